#if SQLite
import AfterCommit
import Foundation
import GRDB

/// Forgetting what is delivered, and what waits for nobody.
extension OutboxTables {
    func prune(after: UInt64, before date: Date?, limit: Int, _ database: Database) throws -> Pruned {
        var pruned = Pruned()
        let candidates = """
            SELECT e.sequence FROM outbox_events AS e WHERE e.sequence > ?1 AND (?2 IS NULL OR e.time < ?2)
            ORDER BY e.sequence LIMIT ?3
            """
        let look = try PreparedStatement(database, "SELECT count(*), max(sequence) FROM (\(candidates))")
        try Self.bind(look, after, date, limit)
        _ = try look.first { columns in
            pruned.looked = Int(columns.integer(0))
            pruned.last = columns.sequence(1)
        }
        guard pruned.looked > 0 else { return pruned }
        let delete = try PreparedStatement(
            database,
            """
            DELETE FROM outbox_events WHERE sequence IN (\(candidates)) AND NOT EXISTS (
                SELECT 1 FROM outbox_subscriptions AS s JOIN outbox_deliveries AS d
                ON d.subscription = s.id AND d.sequence = outbox_events.sequence)
            """)
        try Self.bind(delete, after, date, limit)
        pruned.forgotten = try delete.execute()
        return pruned
    }

    private static func bind(_ statement: PreparedStatement, _ after: UInt64, _ date: Date?, _ limit: Int) throws {
        try statement.bind(after, at: 1)
        try statement.bind(date.map { OutboxText.time($0) }, at: 2)
        try statement.bind(limit, at: 3)
    }

    func cutOrphans(except names: [String], _ database: Database) throws -> [String: Int] {
        let kept = Set(names)
        var cut: [String: Int] = [:]
        for name in try subscriptionNames(database) where !kept.contains(name) {
            guard let number = try number(of: name, database) else { continue }
            let statement = try PreparedStatement(
                database, "DELETE FROM outbox_deliveries WHERE subscription = ?1 AND state <> 'dead'")
            try statement.bind(number, at: 1)
            let count = try statement.execute()
            if count > 0 { cut[name] = count }
        }
        return cut
    }
}
#endif

#if SQLite
import AfterCommit
import Foundation
import GRDB

/// Events that wait for their moment, in a table of their own.
extension OutboxTables {
    func publishDelayed(dueBy now: Date, limit: Int, _ group: WriteGroup) throws {
        let due = "FROM outbox_delayed WHERE deliverat <= ?1 ORDER BY deliverat, id LIMIT ?2"
        // One whose id is stored already would hold up all others.
        let publish = try PreparedStatement(
            group.database,
            "INSERT OR IGNORE INTO outbox_events (\(EventColumns.names)) SELECT \(EventColumns.names) \(due)")
        try publish.bind(now, at: 1)
        try publish.bind(limit, at: 2)
        try publish.execute()
        let delete = try PreparedStatement(
            group.database, "DELETE FROM outbox_delayed WHERE rowid IN (SELECT rowid \(due))")
        try delete.bind(now, at: 1)
        try delete.bind(limit, at: 2)
        if try delete.execute() > 0 { group.change.insert(.claimable) }
    }

    func nextDelayed(_ database: Database) throws -> Date? {
        // A text, which somebody wrote by hand, is no moment and never due.
        try PreparedStatement(database, "SELECT min(deliverat) FROM outbox_delayed WHERE deliverat < 9e999")
            .first { $0.date(0) } ?? nil
    }

    func delayedEvents(
        after position: DelayedEvent.Position?, limit: Int, _ database: Database
    ) throws -> [DelayedEvent] {
        let statement = try PreparedStatement(
            database,
            """
            SELECT e.deliverat, e.rowid, \(EventColumns.list) FROM outbox_delayed AS e
            WHERE ?1 IS NULL OR (e.deliverat, e.id) > (?1, ?2) ORDER BY e.deliverat, e.id LIMIT ?3
            """)
        try statement.bind(position?.deliverAt, at: 1)
        try statement.bind(position?.id.description, at: 2)
        try statement.bind(max(0, limit), at: 3)
        var events: [DelayedEvent] = []
        try statement.eachRow { columns in
            let (envelope, _) = EventColumns.envelope(columns, at: 2, sequence: columns.sequence(1))
            events.append(DelayedEvent(envelope: envelope, deliverAt: columns.date(0) ?? envelope.time))
        }
        return events
    }

    func cancelDelayed(_ ids: [EventID], _ group: WriteGroup) throws -> [EventID] {
        try ids.filter { id in
            let statement = try PreparedStatement(group.database, "DELETE FROM outbox_delayed WHERE id = ?1")
            try statement.bind(id.description, at: 1)
            return try statement.execute() > 0
        }
    }
}
#endif

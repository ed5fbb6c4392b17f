#if SQLite
import AfterCommit
import Foundation
import GRDB

/// One step from a version of the engine's tables to the next.
///
/// ``SQLiteStorage/init(_:events:configuration:envelopes:clock:logger:)`` runs what is missing. Those who run migrations
/// themselves run ``sql`` of each, in order, before they open the storage: it notes itself as done.
public struct SQLiteMigration: Sendable, Hashable {
    /// The name under which it is noted.
    public let name: String
    /// Statements that end with a semicolon each, the one that notes it included. Run them in one transaction.
    public let sql: String

    /// - Parameters:
    ///   - name: `outbox-1` for the first of the outbox.
    ///   - statements: what it does beside noting itself.
    init(name: String, _ statements: String) {
        self.name = name
        sql = """
            \(Self.table);
            \(statements)
            INSERT INTO aftercommit_migrations (name) VALUES ('\(name.replacing("'", with: "''"))');
            """
    }

    private static let table = """
        CREATE TABLE IF NOT EXISTS aftercommit_migrations (
            name TEXT PRIMARY KEY,
            appliedat TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        ) WITHOUT ROWID
        """

    /// Runs those that are missing, in one transaction.
    /// - Throws: `StorageError` with `formatTooNew` for tables of a version that this one does not know.
    static func run(_ migrations: [SQLiteMigration], series: String, in database: Database) throws {
        try database.execute(sql: table)
        let known = Set(migrations.map(\.name))
        // A table's series may begin with another's.
        let applied = try Set(
            String.fetchAll(database, sql: "SELECT name FROM aftercommit_migrations")
                .filter { $0.hasPrefix(series) && UInt($0.dropFirst(series.count)) != nil })
        if let newer = applied.subtracting(known).sorted().first {
            throw StorageError(
                .formatTooNew,
                "the database has the migration \(newer), which this version of AfterCommit does not know; use a newer one"
            )
        }
        for migration in migrations where !applied.contains(migration.name) {
            try database.execute(sql: migration.sql)
        }
    }
}
#endif

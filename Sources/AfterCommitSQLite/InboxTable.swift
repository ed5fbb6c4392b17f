#if SQLite
import AfterCommit
import Foundation
import GRDB

/// The inbox: a row for each key that is remembered.
enum InboxTable {
    static let schema = """
        CREATE TABLE IF NOT EXISTS outbox_inbox (
            key TEXT PRIMARY KEY,
            startedat REAL NOT NULL,
            record TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS outbox_inbox_startedat ON outbox_inbox (startedat);
        """

    static func record(for key: String, _ database: Database) throws -> InboxRecord? {
        let statement = try PreparedStatement(database, "SELECT record FROM outbox_inbox WHERE key = ?1")
        try statement.bind(key, at: 1)
        let record = try statement.first { columns in
            Result { try JSONDecoder().decode(InboxRecord.self, from: columns.bytes(0)) }
        }
        do {
            return try record?.get()
        } catch {
            throw StorageError(
                .corrupted,
                "the inbox's record of \(key.debugDescription) cannot be read; delete its row of outbox_inbox",
                cause: error)
        }
    }

    static func put(_ record: InboxRecord, window: Duration, _ database: Database) throws {
        // A few at each write, so that no background work is needed and no write pays for many.
        let forget = try PreparedStatement(
            database,
            """
            DELETE FROM outbox_inbox WHERE key IN (
                SELECT key FROM outbox_inbox WHERE startedat < ?1 ORDER BY startedat LIMIT 4)
            """)
        try forget.bind(record.startedAt - window.timeInterval, at: 1)
        try forget.execute()
        let statement = try PreparedStatement(
            database, "INSERT OR REPLACE INTO outbox_inbox (key, startedat, record) VALUES (?1, ?2, ?3)")
        try statement.bind(record.key, at: 1)
        try statement.bind(record.startedAt, at: 2)
        try statement.bindText(try JSONEncoder().encode(record), at: 3)
        try statement.execute()
    }
}
#endif

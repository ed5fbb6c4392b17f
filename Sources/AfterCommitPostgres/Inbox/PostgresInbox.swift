#if Postgres
import AfterCommit
import Foundation

/// What the inbox has under its keys, as JSON that people can read.
enum PostgresInbox {
    static let schema = """
        CREATE TABLE inbox_records (
            key varchar(390) PRIMARY KEY,
            started timestamptz NOT NULL,
            record jsonb NOT NULL
        );
        CREATE INDEX inbox_records_started ON inbox_records (started);
        """

    /// Others that want the same key wait until this transaction ends: two at once would both find nothing.
    private static let lock = "SELECT pg_advisory_xact_lock(hashtext('inbox_records'), hashtext($1))"
    private static let select = "SELECT record FROM inbox_records WHERE key = $1"
    private static let upsert = """
        INSERT INTO inbox_records (key, started, record) VALUES ($1, $2, $3)
        ON CONFLICT (key) DO UPDATE SET started = excluded.started, record = excluded.record
        """
    /// A few at each write, so that no background work is needed and no write pays for many.
    private static let forget = """
        DELETE FROM inbox_records WHERE key IN (
            SELECT key FROM inbox_records WHERE started < $1 ORDER BY started LIMIT 4 FOR UPDATE SKIP LOCKED)
        """

    static func record(for key: String, in session: PostgresSession) throws -> InboxRecord? {
        // The lock first: a snapshot from before it would not show what the other has written.
        try session.execute(lock, [.text(key)])
        let result = try session.execute(select, [.text(key)])
        guard !result.isEmpty else { return nil }
        do {
            return try JSONDecoder().decode(InboxRecord.self, from: Data(try result.first().text(0).utf8))
        } catch let error as DecodingError {
            throw StorageError(
                .corrupted, "the inbox record under \(key.debugDescription) cannot be read", cause: error)
        }
    }

    static func put(_ record: InboxRecord, window: Duration, in session: PostgresSession) throws {
        // PostgreSQL keeps no NUL in its JSON, and a step's detail may have one.
        let json = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
            .replacing("\\u0000", with: "\\ufffd")
        try session.pipeline([
            PostgresStatement(forget, [.timestamp(record.startedAt - window.timeInterval)]),
            PostgresStatement(upsert, [.text(record.key), .timestamp(record.startedAt), .json(json)]),
        ])
    }
}
#endif

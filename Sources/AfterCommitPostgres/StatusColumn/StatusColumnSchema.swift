#if Postgres
import AfterCommit

/// The columns that the engine adds to a table of the user's, and what it keeps beside it.
struct StatusColumnSchema: Sendable {
    /// A name with the longest of our suffixes must be a name to PostgreSQL still.
    private static let maxNameBytes = 40
    private static let columns = [
        "event_status", "event_id", "event_sequence", "event_attempts", "event_due", "event_error", "event_key",
        "event_detail",
    ]

    let column: StatusColumn

    /// May be run again: it adds what is not there.
    var sql: String {
        let table = column.name
        func index(_ suffix: String) -> String { StatusColumn.quoted("\(column.table)_event_\(suffix)") }
        return """
            ALTER TABLE \(table)
                ADD COLUMN IF NOT EXISTS event_status text CHECK (event_status IN ('pending', 'succeeded', 'failed')),
                ADD COLUMN IF NOT EXISTS event_id uuid,
                ADD COLUMN IF NOT EXISTS event_sequence bigint,
                ADD COLUMN IF NOT EXISTS event_attempts integer,
                ADD COLUMN IF NOT EXISTS event_due timestamptz,
                ADD COLUMN IF NOT EXISTS event_error text,
                ADD COLUMN IF NOT EXISTS event_key text,
                ADD COLUMN IF NOT EXISTS event_detail jsonb;
            CREATE SEQUENCE IF NOT EXISTS \(sequence);
            CREATE INDEX IF NOT EXISTS \(index("pending")) ON \(table) (event_sequence) WHERE event_status = 'pending';
            CREATE INDEX IF NOT EXISTS \(index("failed")) ON \(table) (event_sequence)
                WHERE event_status = 'failed' AND event_sequence IS NOT NULL;
            CREATE INDEX IF NOT EXISTS \(index("due")) ON \(table) (event_due, event_sequence) WHERE event_due IS NOT NULL;
            CREATE INDEX IF NOT EXISTS \(index("key")) ON \(table) (event_key, event_sequence) WHERE event_key IS NOT NULL;
            CREATE INDEX IF NOT EXISTS \(index("id")) ON \(table) (event_id) WHERE event_id IS NOT NULL;
            CREATE TABLE IF NOT EXISTS aftercommit_columns (
                name text PRIMARY KEY,
                subscription text
            );
            INSERT INTO aftercommit_columns (name) VALUES (\(StatusColumn.literal(column.table))) ON CONFLICT DO NOTHING;
            """
    }

    /// The events of the table are numbered by it.
    var sequence: String { StatusColumn.quoted("\(column.table)_event_sequence") }

    /// - Throws: `StorageError` with `invalidTable` for a table that cannot carry events.
    func check(in session: PostgresSession) throws {
        guard column.table.utf8.count <= Self.maxNameBytes else {
            throw StorageError(
                .invalidTable,
                "\(column.table) is longer than \(Self.maxNameBytes) bytes: a table with a status column needs a shorter name"
            )
        }
        guard try session.execute("SELECT to_regclass($1) IS NOT NULL", [.text(column.name)]).first().bool(0) else {
            throw StorageError(
                .invalidTable, "there is no table \(column.table) for the status column; make it before the storage")
        }
    }

    /// Whether all of it is there.
    func isThere(in session: PostgresSession) throws -> Bool {
        let columns = try session.execute(
            """
            SELECT count(*) FROM pg_attribute
            WHERE attrelid = to_regclass($1) AND attname = ANY ($2::text[]) AND NOT attisdropped
            """, [.text(column.name), .texts(Self.columns)]
        ).first().int64(0)
        guard columns == Self.columns.count,
            try session.execute("SELECT to_regclass('aftercommit_columns') IS NOT NULL").first().bool(0)
        else { return false }
        return try !session.execute(
            "SELECT FROM aftercommit_columns WHERE name = $1", [.text(column.table)]
        ).isEmpty
    }
}
#endif

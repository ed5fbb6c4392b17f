#if SQLite
import AfterCommit

/// The columns that the engine adds to a table of the user's, and what it keeps beside it.
enum StatusColumnSchema {
    static func series(_ column: StatusColumn) -> String { "status-\(column.table)-" }

    static func migrations(_ column: StatusColumn) -> [SQLiteMigration] {
        [SQLiteMigration(name: series(column) + "1", version1(column))]
    }

    private static func version1(_ column: StatusColumn) -> String {
        let table = column.name
        func index(_ suffix: String) -> String { StatusColumn.quoted("\(column.table)_event_\(suffix)") }
        return """
            ALTER TABLE \(table) ADD COLUMN event_status TEXT
                CHECK (event_status IN ('pending', 'succeeded', 'failed'));
            ALTER TABLE \(table) ADD COLUMN event_id TEXT;
            ALTER TABLE \(table) ADD COLUMN event_sequence INTEGER;
            ALTER TABLE \(table) ADD COLUMN event_attempts INTEGER;
            ALTER TABLE \(table) ADD COLUMN event_due REAL;
            ALTER TABLE \(table) ADD COLUMN event_key TEXT;
            ALTER TABLE \(table) ADD COLUMN event_error TEXT;
            ALTER TABLE \(table) ADD COLUMN event_detail TEXT;
            CREATE INDEX \(index("pending")) ON \(table) (event_sequence) WHERE event_status = 'pending';
            CREATE INDEX \(index("failed")) ON \(table) (event_sequence) WHERE event_status = 'failed';
            CREATE INDEX \(index("due")) ON \(table) (event_due, event_sequence) WHERE event_due IS NOT NULL;
            CREATE INDEX \(index("key")) ON \(table) (event_key, event_sequence) WHERE event_key IS NOT NULL;
            CREATE TABLE IF NOT EXISTS aftercommit_columns (
                name TEXT PRIMARY KEY,
                sequence INTEGER NOT NULL DEFAULT 0,
                newest TEXT,
                subscription TEXT
            ) WITHOUT ROWID;
            INSERT INTO aftercommit_columns (name) VALUES ('\(column.table.replacing("'", with: "''"))');
            \(InboxTable.schema)
            """
    }
}
#endif

#if SQLite
import AfterCommit

/// The outbox's tables.
enum OutboxSchema {
    static let series = "outbox-"

    static let migrations = [SQLiteMigration(name: "outbox-1", version1)]

    /// The columns of an event beside its sequence, in the order of ``OutboxRow/columns``.
    private static let eventColumns = """
        id TEXT NOT NULL UNIQUE DEFAULT (lower(
                hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-'
                || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-'
                || hex(randomblob(6)))),
            aggregatetype TEXT NOT NULL DEFAULT '',
            aggregateid TEXT NOT NULL DEFAULT '',
            type TEXT NOT NULL,
            payload,
            payloadbytes BLOB,
            source TEXT NOT NULL DEFAULT '/',
            time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            schemaversion INTEGER NOT NULL DEFAULT 1,
            orderingkey TEXT,
            headers TEXT,
            contenttype TEXT NOT NULL DEFAULT 'application/json'
        """

    private static let version1 = """
        CREATE TABLE outbox_events (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            \(eventColumns)
        );
        CREATE TABLE outbox_subscriptions (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            startedat INTEGER NOT NULL
        );
        CREATE TABLE outbox_patterns (
            subscription INTEGER NOT NULL,
            pattern TEXT NOT NULL,
            prefix TEXT,
            PRIMARY KEY (subscription, pattern)
        ) WITHOUT ROWID;
        CREATE TABLE outbox_deliveries (
            subscription INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            state TEXT NOT NULL DEFAULT 'pending',
            due REAL,
            orderingkey TEXT,
            detail TEXT,
            PRIMARY KEY (subscription, sequence)
        ) WITHOUT ROWID;
        CREATE INDEX outbox_deliveries_due ON outbox_deliveries (subscription, due, sequence)
            WHERE due IS NOT NULL;
        CREATE INDEX outbox_deliveries_exceptions ON outbox_deliveries (subscription, state, orderingkey, sequence)
            WHERE state <> 'pending';
        CREATE TABLE outbox_delayed (
            deliverat REAL NOT NULL,
            \(eventColumns)
        );
        CREATE INDEX outbox_delayed_deliverat ON outbox_delayed (deliverat, id);
        CREATE TABLE outbox_keys (
            key TEXT PRIMARY KEY,
            id TEXT NOT NULL,
            fingerprint INTEGER NOT NULL,
            emittedat REAL NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX outbox_keys_emittedat ON outbox_keys (emittedat);
        \(InboxTable.schema)
        CREATE TRIGGER outbox_events_fan_out AFTER INSERT ON outbox_events BEGIN
            INSERT INTO outbox_deliveries (subscription, sequence)
            SELECT s.id, NEW.sequence FROM outbox_subscriptions AS s
            WHERE EXISTS (SELECT 1 FROM outbox_patterns AS p WHERE p.subscription = s.id AND \(matches("NEW.type")));
        END;
        """

    /// Whether a pattern, as `p`, matches a type: as ``EventTypeSelection/contains(_:)`` has it, byte for byte.
    static func matches(_ type: String) -> String {
        """
        (p.pattern = \(type) AND p.prefix IS NULL OR p.prefix IS NOT NULL \
        AND length(CAST(\(type) AS BLOB)) > length(CAST(p.prefix AS BLOB)) \
        AND substr(CAST(\(type) AS BLOB), 1, length(CAST(p.prefix AS BLOB))) = CAST(p.prefix AS BLOB))
        """
    }
}
#endif

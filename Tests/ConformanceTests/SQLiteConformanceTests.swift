#if SQLite
import AfterCommit
public import AfterCommitSQLite
public import AfterCommitTesting
import Foundation
import GRDB
import Testing

extension SQLiteTransaction: ConformanceTransaction {
    public func row(_ key: String) throws -> String? {
        try String.fetchOne(database, sql: "SELECT text FROM conformance_rows WHERE key = ?", arguments: [key])
    }

    public func putRow(_ text: String, for key: String) throws {
        try database.execute(
            sql: """
                INSERT INTO conformance_rows (key, text) VALUES (?, ?)
                ON CONFLICT (key) DO UPDATE SET text = excluded.text
                """, arguments: [key, text])
    }
}

extension SQLiteStorage: ConformanceStorage {
    public func allRows() async throws -> [String: String] {
        try await database.read { db in
            let rows = try Row.fetchAll(db, sql: "SELECT key, text FROM conformance_rows")
            return Dictionary(rows.map { ($0[0], $0[1]) }, uniquingKeysWith: { $1 })
        }
    }

    public func inboxKeys() async throws -> [String] {
        try await database.read { try String.fetchAll($0, sql: "SELECT key FROM outbox_inbox ORDER BY key") }
    }

    public func status(ofRow key: String) async throws -> String? {
        try await database.read { db in
            let columns = try db.columns(in: "conformance_rows").map(\.name)
            guard columns.contains("event_status") else { return nil }
            return try String.fetchOne(
                db, sql: "SELECT event_status FROM conformance_rows WHERE key = ?", arguments: [key])
        }
    }
}

/// Makes storages on files of their own.
private struct SQLiteDatabases {
    var events: @Sendable () -> SQLiteStorage.Events

    func suite(_ capabilities: ConformanceCapabilities) -> ConformanceSuite {
        let events = events
        return ConformanceSuite(
            capabilities: capabilities,
            makeStorage: { options in
                let path = FileManager.default.temporaryDirectory
                    .appendingPathComponent("conformance-\(UUID()).sqlite").path
                return try await Self.open(path, events(), options)
            },
            reopen: { storage, options in
                guard let storage = storage as? SQLiteStorage else { return storage }
                return try await Self.open(try await Self.end(storage), events(), options)
            },
            close: { storage in
                guard let storage = storage as? SQLiteStorage else { return }
                let path = try await Self.end(storage)
                let delivering = ["-aftercommit", "-aftercommit-conformance_rows"]
                    .flatMap { ["\($0).lock", "\($0).in-flight"] }
                for suffix in ["", "-wal", "-shm"] + delivering {
                    // What is not there need not be removed.
                    unlink(path + suffix)
                }
            })
    }

    private static func open(
        _ path: String, _ events: SQLiteStorage.Events, _ options: ConformanceSuite.StorageOptions
    ) async throws -> SQLiteStorage {
        let pool = try DatabasePool(path: path)
        try await pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(
                sql: "CREATE TABLE IF NOT EXISTS conformance_rows (key TEXT PRIMARY KEY, text TEXT NOT NULL)")
        }
        return try await SQLiteStorage(
            pool, events: events, configuration: options.isSmall ? .init(maxEvents: 2_000) : .init(),
            envelopes: options.envelopes)
    }

    /// - Returns: the file's path.
    private static func end(_ storage: SQLiteStorage) async throws -> String {
        await storage.close()
        guard let pool = storage.database as? DatabasePool else { return "" }
        let path = pool.path
        try pool.close()
        return path
    }
}

@Suite struct SQLiteConformanceTests {
    static let suite = SQLiteDatabases(events: { .outbox }).suite([.limited, .durable, .boundsBlocked, .outbox])

    @Test(.timeLimit(.minutes(5)), arguments: suite.cases)
    func conformance(_ promise: ConformanceCase) async throws {
        try await Self.suite.run(promise)
    }
}

/// The contract where the rows have the events.
@Suite struct SQLiteStatusConformanceTests {
    static let suite = SQLiteDatabases(events: {
        .statusColumn(
            "conformance_rows", keyColumn: "key", key: { (event: ConformanceEvent) in event.rowKey },
            rebuild: { row in try ConformanceEvent(rowText: row["text"]) })
    }).suite([.durable, .boundsBlocked, .keepsHistory, .keepsFailures, .keepsHeaders, .statusColumn])

    @Test(.timeLimit(.minutes(5)), arguments: suite.cases)
    func conformance(_ promise: ConformanceCase) async throws {
        try await Self.suite.run(promise)
    }
}
#endif

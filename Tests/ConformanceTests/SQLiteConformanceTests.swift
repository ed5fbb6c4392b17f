#if SQLite
import AfterCommit
public import AfterCommitSQLite
public import AfterCommitTesting
import Foundation
import GRDB
import Synchronization
import Testing

extension SQLiteTransaction: ConformanceTransaction {
    public func row(_ key: String) throws -> String? {
        try String.fetchOne(database, sql: "SELECT text FROM conformance_rows WHERE key = ?", arguments: [key])
    }

    public func putRow(_ text: String, for key: String) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO conformance_rows (key, text) VALUES (?, ?)", arguments: [key, text])
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
}

@Suite struct SQLiteConformanceTests {
    static let suite = ConformanceSuite(
        capabilities: [.limited, .durable],
        makeStorage: { options in
            let path = FileManager.default.temporaryDirectory.appendingPathComponent("conformance-\(UUID()).sqlite").path
            return try await open(path, options)
        },
        reopen: { storage, options in
            guard let storage = storage as? SQLiteStorage else { return storage }
            return try await open(try await end(storage), options)
        },
        close: { storage in
            guard let storage = storage as? SQLiteStorage else { return }
            let path = try await end(storage)
            for suffix in ["", "-wal", "-shm", "-aftercommit.lock"] {
                // What is not there need not be removed.
                unlink(path + suffix)
            }
        })

    private static func open(
        _ path: String, _ options: ConformanceSuite.StorageOptions
    ) async throws -> SQLiteStorage {
        let pool = try DatabasePool(path: path)
        try await pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "CREATE TABLE IF NOT EXISTS conformance_rows (key TEXT PRIMARY KEY, text TEXT NOT NULL)")
        }
        return try await SQLiteStorage(
            pool, configuration: options.isSmall ? .init(maxEvents: 2_000) : .init(), envelopes: options.envelopes)
    }

    /// - Returns: the file's path.
    private static func end(_ storage: SQLiteStorage) async throws -> String {
        await storage.close()
        guard let pool = storage.database as? DatabasePool else { return "" }
        let path = pool.path
        try pool.close()
        return path
    }

    @Test(.timeLimit(.minutes(5)), arguments: suite.cases)
    func conformance(_ promise: ConformanceCase) async throws {
        try await Self.suite.run(promise)
    }
}
#endif

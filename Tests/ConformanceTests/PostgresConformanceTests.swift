#if Postgres
import AfterCommit
@testable public import AfterCommitPostgres
public import AfterCommitTesting
import Foundation
import TestSupport
import Testing

extension PostgresTransaction: ConformanceTransaction {
    public func row(_ key: String) throws -> String? {
        try query("SELECT text FROM conformance_rows WHERE key = $1", .text(key)).map { try $0.text(0) }.first
    }

    public func putRow(_ text: String, for key: String) throws {
        try execute(
            "INSERT INTO conformance_rows (key, text) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET text = excluded.text",
            .text(key), .text(text))
    }
}

extension PostgresStorage: ConformanceStorage {
    public func status(ofRow key: String) async throws -> String? {
        try await status(of: .text(key))?.state.rawValue
    }

    public func allRows() async throws -> [String: String] {
        try await transaction { tx in
            let rows = try tx.query("SELECT key, text FROM conformance_rows").map { (try $0.text(0), try $0.text(1)) }
            return Dictionary(rows, uniquingKeysWith: { $1 })
        }
    }

    public func inboxKeys() async throws -> [String] {
        try await transaction { tx in
            try tx.query("SELECT key FROM inbox_records ORDER BY key").map { try $0.text(0) }
        }
    }
}

/// Storages on databases of their own on the private server, so many at a time.
actor ConformanceDatabases {
    static let shared = ConformanceDatabases()
    private var free = 12
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var databases: [ObjectIdentifier: (url: String, events: PostgresStorage.Events)] = [:]

    func make(
        _ options: ConformanceSuite.StorageOptions, _ events: PostgresStorage.Events = .outbox
    ) async throws -> PostgresStorage {
        if free > 0 { free -= 1 } else { await withCheckedContinuation { waiting.append($0) } }
        let url = try await onOwnThread("make-database") {
            let url = try PrivatePostgres.shared().makeDatabase()
            let connection = try PostgresSession.connect(
                PostgresConfiguration(url), interrupt: Interrupt(), time: TimeSource(ContinuousClock()))
            try connection.execute("CREATE TABLE conformance_rows (key text PRIMARY KEY, text text NOT NULL)")
            return url
        }
        return try await open(url, events, options)
    }

    func reopen(_ storage: PostgresStorage, _ options: ConformanceSuite.StorageOptions) async throws -> PostgresStorage
    {
        guard let database = databases.removeValue(forKey: ObjectIdentifier(storage)) else { return storage }
        await storage.close()
        return try await open(database.url, database.events, options)
    }

    func close(_ storage: PostgresStorage) async {
        databases[ObjectIdentifier(storage)] = nil
        await storage.close()
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }

    private func open(
        _ url: String, _ events: PostgresStorage.Events, _ options: ConformanceSuite.StorageOptions
    ) async throws -> PostgresStorage {
        let storage = try await PostgresStorage(
            PostgresConfiguration(url, maxConnections: 4), events: events,
            configuration: PostgresStorage.Configuration(leaseDuration: .seconds(3600)), envelopes: options.envelopes)
        databases[ObjectIdentifier(storage)] = (url, events)
        return storage
    }
}

@Suite struct PostgresConformanceTests {
    static let suite = ConformanceSuite(
        capabilities: [.outbox, .durable],
        makeStorage: { try await ConformanceDatabases.shared.make($0) },
        reopen: { storage, options in
            guard let storage = storage as? PostgresStorage else { return storage }
            return try await ConformanceDatabases.shared.reopen(storage, options)
        },
        close: { storage in
            guard let storage = storage as? PostgresStorage else { return }
            await ConformanceDatabases.shared.close(storage)
        })

    @Test(.timeLimit(.minutes(5)), arguments: suite.cases)
    func conformance(_ promise: ConformanceCase) async throws {
        try await Self.suite.run(promise)
    }
}
#endif

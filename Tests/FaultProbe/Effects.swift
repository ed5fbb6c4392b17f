import AfterCommit
import AfterCommitLMDB
import AfterCommitPostgres
import AfterCommitSQLite
import Foundation
import Logging
import Synchronization
import TestSupport

#if SQLite
import GRDB
#endif

/// A transaction that can do something which doing twice would show.
protocol EffectTransaction: StorageTransaction {
    func addEffect(_ key: String) throws
}

/// A storage that knows how often each effect was had.
protocol EffectStorage: TransactionalStorage where Transaction: EffectTransaction {
    func prepareEffects() async throws
    func timesOfEffects() async throws -> [Int]
    func close() async
}

extension FaultProbe {
    struct Effected: Event {
        static let type: EventType = "effected"
        var number: Int
    }

    /// `effects PLACE DATABASE FIRST COUNT HOLD`: emits so many events, numbered from a first, and handles all that is pending;
    /// one subscription has its effects through the inbox, one inside the transaction that settles. The inbox's effect of
    /// number `HOLD` since the start is never settled; 0 settles all.
    static func effects(_ place: String, _ rest: [String]) async throws {
        let numbers = rest.dropFirst().compactMap(Int.init)
        guard numbers.count == 3, let database = EffectRounds.Database(rawValue: rest[0]) else {
            fail("effects PLACE DATABASE FIRST COUNT HOLD")
        }
        let events = (numbers[0]..<numbers[0] + numbers[1]).map { Effected(number: $0) }
        let storage = try await openStorage(database, at: place)
        try await storage.prepareEffects()
        try await handle(events, holding: numbers[2], storage)
    }

    /// The outbox of a new database, or of one that was used before.
    static func openStorage(_ database: EffectRounds.Database, at place: String) async throws -> any EffectStorage {
        switch database {
        case .lmdb:
            #if LMDB
            return try LMDBStorage(path: place)
            #else
            fail("built without LMDB")
            #endif
        case .sqlite:
            #if SQLite
            let pool = try DatabasePool(path: place)
            try await pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            return try await SQLiteStorage(pool)
            #else
            fail("built without SQLite")
            #endif
        case .postgres:
            #if Postgres
            return try await PostgresStorage(
                PostgresConfiguration(place),
                configuration: .init(leaseDuration: .seconds(2), pollInterval: .milliseconds(100)))
            #else
            fail("built without Postgres")
            #endif
        }
    }

    private static func handle(_ events: [Effected], holding hold: Int, _ storage: some EffectStorage) async throws {
        // The deliveries of one that was killed are free again after its lease.
        let policy = DeliveryPolicy(
            maxRetries: 20, timeout: storage.leaseDuration.map { $0 * 0.8 } ?? .seconds(30), concurrency: 8)
        let effects = Atomic(0)
        let subscriptions = [
            Subscription("inbox", to: Effected.self, policy: policy) { event, context in
                let isNew = try await storage.once(context.idempotencyKey) { tx in
                    try tx.addEffect("inbox \(event.number)")
                }
                tell("\(isNew ? "effect" : "again") inbox \(event.number)")
                guard isNew, effects.add(1, ordering: .relaxed).newValue == hold else { return }
                tell("held")
                // Whoever holds it here kills it.
                try await Task.sleep(for: .seconds(60))
            },
            storage.subscription("inside", to: Effected.self, policy: policy) { event, tx, _ in
                try tx.addEffect("inside \(event.number)")
                tell("effect inside \(event.number)")
            },
        ]
        let engine = try await EventEngine(
            storage: storage, logger: Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() },
            subscriptions: subscriptions)
        try await engine.emit(contentsOf: events)
        let running = Task { try await engine.run() }
        var counts: [DeliveryCounts] = []
        repeat {
            try await engine.drain()
            counts = try await engine.status().map(\.counts)
            // What a killed one had claimed comes back after its lease.
        } while try await isLeft(counts)
        let times = try await storage.timesOfEffects()
        let once = times.filter { $0 == 1 }.count
        let unsettled = counts.map { $0.pending + $0.retrying + $0.blocked + $0.deadLettered }.reduce(0, +)
        tell("drained \(once) \(times.count - once) \(unsettled)")
        while readLine() != nil {}
        running.cancel()
        try await running.value
        await storage.close()
    }

    /// Whether something is left to deliver, after a short wait.
    static func isLeft(_ counts: [DeliveryCounts]) async throws -> Bool {
        guard counts.contains(where: { $0.pending + $0.retrying > 0 }) else { return false }
        try await Task.sleep(for: .milliseconds(20))
        return true
    }
}

#if LMDB
private let effectTable = Table<String, Int>("effects")

extension LMDBTransaction: EffectTransaction {
    func addEffect(_ key: String) throws {
        try put((try value(for: key, in: effectTable) ?? 0) + 1, for: key, in: effectTable)
    }
}

extension LMDBStorage: EffectStorage {
    func prepareEffects() {}

    func timesOfEffects() async throws -> [Int] {
        try await read { try $0.entries(in: effectTable, after: nil, limit: .max).map(\.value) }
    }
}
#endif

/// The same table in SQLite and PostgreSQL.
private enum EffectRows {
    static let create = "CREATE TABLE IF NOT EXISTS effects (key text PRIMARY KEY, times integer NOT NULL)"
    static let add =
        "INSERT INTO effects (key, times) VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET times = effects.times + 1"
    static let times = "SELECT times FROM effects"
}

#if SQLite
extension SQLiteTransaction: EffectTransaction {
    func addEffect(_ key: String) throws {
        try database.execute(sql: EffectRows.add, arguments: [key])
    }
}

extension SQLiteStorage: EffectStorage {
    func prepareEffects() async throws {
        try await database.write { try $0.execute(sql: EffectRows.create) }
    }

    func timesOfEffects() async throws -> [Int] {
        try await database.read { try Int.fetchAll($0, sql: EffectRows.times) }
    }
}
#endif

#if Postgres
extension PostgresTransaction: EffectTransaction {
    func addEffect(_ key: String) throws {
        try execute(EffectRows.add, .text(key))
    }
}

extension PostgresStorage: EffectStorage {
    func prepareEffects() async throws {
        try await transaction { tx in
            // The server still ends the transaction of one that was killed.
            _ = try tx.query("SELECT pg_advisory_xact_lock(hashtext('effects'))")
            try tx.execute(EffectRows.create)
        }
    }

    func timesOfEffects() async throws -> [Int] {
        try await transaction { tx in try tx.query(EffectRows.times).map { Int(try $0.int32(0)) } }
    }
}
#endif

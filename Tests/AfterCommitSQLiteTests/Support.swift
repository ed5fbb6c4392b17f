#if SQLite
import AfterCommit
import AfterCommitSQLite
import AfterCommitTesting
import Foundation
import GRDB
import Synchronization

struct OrderPlaced: Event, Equatable {
    static let type: EventType = "order.placed"
    var number: Int
    var key: String?
    var orderingKey: String? { key }
}

struct OrderShipped: Event {
    static let type: EventType = "order.shipped"
    var number: Int
}

struct Refusal: Error, Equatable {}

/// Runs `body` with the path of a database that does not exist yet, in a folder that is removed after it.
func withDatabasePath<R>(_ body: (String) async throws -> R) async throws -> R {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("aftercommit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let result: Result<R, any Error>
    do {
        result = .success(try await body(folder.appendingPathComponent("shop.sqlite").path))
    } catch {
        result = .failure(error)
    }
    try FileManager.default.removeItem(at: folder)
    return try result.get()
}

/// A pool as a user opens one, with a table of the user's own.
func openPool(_ path: String) async throws -> DatabasePool {
    let pool = try DatabasePool(path: path)
    try await pool.writeWithoutTransaction { db in
        try db.execute(sql: "PRAGMA synchronous = FULL")
        try db.execute(sql: "CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, total REAL NOT NULL)")
    }
    return pool
}

/// Runs `body` with an open storage on a file.
func withStorage<R>(
    configuration: SQLiteStorage.Configuration = .init(), clock: ManualClock = ManualClock(),
    _ body: (SQLiteStorage, DatabasePool) async throws -> R
) async throws -> R {
    try await withDatabasePath { path in
        let pool = try await openPool(path)
        let storage = try await SQLiteStorage(
            pool, configuration: configuration, envelopes: EnvelopeFactory(wallClock: clock.wallClock), clock: clock)
        let result: Result<R, any Error>
        do {
            result = .success(try await body(storage, pool))
        } catch {
            result = .failure(error)
        }
        await storage.close()
        try pool.close()
        return try result.get()
    }
}

extension SQLiteStorage {
    @discardableResult
    func attach(
        _ name: String = "ledger", patterns: Set<EventTypePattern> = ["order.placed"],
        start: SubscriptionStart = .now, wake: @escaping @Sendable (StorageChange) -> Void = { _ in }
    ) async throws -> SubscriptionPlace {
        let registration = SubscriptionRegistration(name: name, types: EventTypeSelection(patterns), start: start)
        return try await attach([registration], wake: wake)[0]
    }

    func claim(
        _ name: String = "ledger", limit: Int = 100, now: Date = .distantPast, includesNew: Bool = true
    ) async throws -> ClaimedBatch {
        try await claim(ClaimRequest(subscription: name, limit: limit, now: now, includesNew: includesNew))
    }

    /// Claims all that is new.
    func claimNumbers(_ name: String = "ledger") async throws -> [Int] {
        try numbers(try await claim(name))
    }

    func numbers(_ batch: ClaimedBatch) throws -> [Int] {
        try batch.deliveries.map {
            try coder.decode(OrderPlaced.self, from: try $0.envelope.bytes(using: coder)).number
        }
    }

    func emit(_ numbers: some Sequence<Int>, key: String? = nil) async throws {
        try await emit(contentsOf: numbers.map { OrderPlaced(number: $0, key: key) }, headers: [:])
    }

    func settle(_ delivered: [UInt64], _ name: String = "ledger") async throws {
        _ = try await settle(SettlementBatch(subscription: name, delivered: delivered))
    }
}

/// Keeps the writer busy until the semaphore is signalled.
func holdWriter(_ pool: DatabasePool) async -> DispatchSemaphore {
    let isBusy = Latch()
    let mayGoOn = DispatchSemaphore(value: 0)
    pool.asyncWriteWithoutTransaction { _ in
        isBusy.open()
        mayGoOn.wait()
    }
    await isBusy.wait()
    return mayGoOn
}

/// Lets tasks go as far as they can, to the writer that is held for example.
func letTasksGoOn() async {
    for _ in 0..<1_000 { await Task.yield() }
}

/// Waits for a condition that another process or thread brings about; the test's time limit ends it.
func eventually(_ condition: () async throws -> Bool) async throws {
    while !(try await condition()) {
        try Task.checkCancellation()
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// What a storage told its engine.
final class Wakes: Sendable {
    private let stream: AsyncStream<StorageChange>
    private let feed: AsyncStream<StorageChange>.Continuation

    init() {
        (stream, feed) = AsyncStream.makeStream()
    }

    func wake(_ change: StorageChange) { feed.yield(change) }

    /// Waits for the next.
    func next() async -> StorageChange? {
        var iterator = stream.makeAsyncIterator()
        return await iterator.next()
    }
}

func code(_ error: (any Error)?) -> StorageError.Code? {
    (error as? StorageError)?.code
}
#endif

#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation
import Synchronization

struct OrderPlaced: Event, Equatable {
    static let type: EventType = "order.placed"
    var number: Int
    var key: String?
    var filler = ""
    var orderingKey: String? { key }
}

struct OrderShipped: Event {
    static let type: EventType = "order.shipped"
    var number: Int
}

struct Order: Codable, Equatable, Sendable {
    var number: Int
    var total: Double
}

struct Refusal: Error, Equatable {}

let orders = Table<UInt64, Order>("orders")

/// A date that moves only when told.
final class FixedWallClock: WallClock {
    private let date: Mutex<Date>

    init(_ date: Date = Date(timeIntervalSince1970: 1_800_000_000)) {
        self.date = Mutex(date)
    }

    func now() -> Date { date.withLock { $0 } }
    func advance(by seconds: Double) { date.withLock { $0 += seconds } }
}

/// Runs `body` with the path of a store that does not exist yet, in a folder that is removed after it.
func withStorePath<R>(_ body: (String) async throws -> R) async throws -> R {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("aftercommit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.appendingPathComponent("test.lmdb").path)
}

/// Runs `body` with an open store.
func withStorage<R>(
    configuration: LMDBStorage.Configuration = .init(), clock: FixedWallClock = FixedWallClock(),
    _ body: (LMDBStorage) async throws -> R
) async throws -> R {
    try await withStorePath { path in
        let storage = try open(path, configuration: configuration, clock: clock)
        do {
            let result = try await body(storage)
            await storage.close()
            return result
        } catch {
            await storage.close()
            throw error
        }
    }
}

func open(
    _ path: String, configuration: LMDBStorage.Configuration = .init(),
    clock: FixedWallClock = FixedWallClock()
) throws -> LMDBStorage {
    var configuration = configuration
    // Many stores are open at once, and a sanitizer leaves less address space than so many usual reserves take.
    configuration.mapReserveBytes = min(configuration.mapReserveBytes, 4 << 30)
    return try LMDBStorage(
        path: path, configuration: configuration, envelopes: EnvelopeFactory(wallClock: clock))
}

extension LMDBStorage {
    func attach(
        _ name: String = "ledger", types: Set<EventType> = [OrderPlaced.type],
        wake: @escaping @Sendable (StorageChange) -> Void = { _ in }
    ) async throws -> SubscriptionPlace {
        try await attach([SubscriptionRegistration(name: name, types: EventTypeSelection(types: types))], wake: wake)[0]
    }

    func claim(
        _ name: String = "ledger", limit: Int = 100, now: Date = .distantPast, includesNew: Bool = true
    ) async throws -> ClaimedBatch {
        try await claim(
            ClaimRequest(subscription: name, limit: limit, now: now, includesNew: includesNew))
    }

    func numbers(_ batch: ClaimedBatch) throws -> [Int] {
        try batch.deliveries.map {
            try coder.decode(OrderPlaced.self, from: try $0.envelope.bytes(using: coder)).number
        }
    }

    func emit(_ numbers: some Sequence<Int>, key: String? = nil) async throws {
        try await emit(contentsOf: numbers.map { OrderPlaced(number: $0, key: key) }, headers: [:])
    }
}

/// Waits for a condition that another process or thread brings about; the test's time limit ends it.
func eventually(_ condition: () async throws -> Bool) async throws {
    while !(try await condition()) {
        try Task.checkCancellation()
        try await Task.sleep(for: .milliseconds(2))
    }
}

func code(_ error: (any Error)?) -> StorageError.Code? {
    (error as? StorageError)?.code
}
#endif

#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation
import Logging

/// Durable rates: each emit or transaction is acknowledged after its flush.
enum LMDBRates {
    static func measure(_ wanted: String) async throws -> [Rate] {
        guard "LMDB".matches(wanted) else { return [] }
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("benchmark-\(UUID()).lmdb")
        let storage = try LMDBStorage(path: folder.path)
        defer { removeStore(folder) }
        let rates = [
            try await emits(storage, concurrency: 1, count: 3_000),
            try await emits(storage, concurrency: 64, count: 60_000),
            try await transactions(storage, concurrency: 1, count: 3_000),
            try await transactions(storage, concurrency: 64, count: 40_000),
            try await emitsInBatches(storage, size: 1_000, count: 200_000),
            try await emitToSettled(storage, concurrency: 64, count: 40_000),
        ]
        await storage.close()
        return rates
    }

    private static func removeStore(_ folder: URL) {
        do {
            try FileManager.default.removeItem(at: folder)
        } catch {
            print("the store at \(folder.path) could not be removed: \(error)")
        }
    }

    private static func emits(_ storage: LMDBStorage, concurrency: Int, count: Int) async throws -> Rate {
        try await Rate.measure("LMDB, durable emit, \(concurrency) concurrent", count: count) {
            try await inParallel(concurrency, count: count) { number in
                try await storage.emit(Payload(number: number), headers: [:])
            }
        }
    }

    private static func transactions(
        _ storage: LMDBStorage, concurrency: Int, count: Int
    ) async throws -> Rate {
        let rows = Table<UUID, Data>.raw("rows")
        let row = Data(count: 256)
        return try await Rate.measure("LMDB, business transaction, \(concurrency) concurrent", count: count) {
            try await inParallel(concurrency, count: count) { number in
                let key = UUID()
                try await storage.transaction { tx in
                    try tx.put(row, for: key, in: rows)
                    try tx.emit(Payload(number: number))
                }
            }
        }
    }

    private static func emitsInBatches(_ storage: LMDBStorage, size: Int, count: Int) async throws -> Rate {
        try await Rate.measure("LMDB, durable emit, batches of \(size)", count: count) {
            for batch in 0..<count / size {
                try await storage.transaction { tx in
                    for number in 0..<size { try tx.emit(Payload(number: batch * size + number)) }
                }
            }
        }
    }

    /// Starts at the next event, so what the lines before left behind does not count.
    private static func emitToSettled(
        _ storage: LMDBStorage, concurrency: Int, count: Int
    ) async throws -> Rate {
        let engine = try await EventEngine(
            storage: storage, logger: Logger(label: "benchmark"),
            subscriptions: [Subscription("none", to: Payload.self) { _, _ in }])
        let running = Task { try await engine.run() }
        let rate = try await Rate.measure("LMDB, emit to settled, \(concurrency) concurrent", count: count) {
            try await inParallel(concurrency, count: count) { number in
                try await engine.emit(Payload(number: number))
            }
            try await engine.drain()
        }
        let delivered = try await engine.status().first?.totals.delivered ?? 0
        guard delivered == count else { throw BenchmarkError.notDelivered(delivered, of: count) }
        running.cancel()
        try await running.value
        return rate
    }

    private static func inParallel(
        _ concurrency: Int, count: Int, _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<concurrency {
                group.addTask {
                    for number in stride(from: task, to: count, by: concurrency) { try await body(number) }
                }
            }
            try await group.waitForAll()
        }
    }
}

/// About 256 bytes when encoded.
struct Payload: Event {
    static let type: EventType = "payload"
    var number: Int
    var padding = String(repeating: "x", count: 220)
}
#endif

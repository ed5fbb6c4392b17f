#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation
import Synchronization

/// Emits and settles as many events, while as many as before wait.
enum BacklogRun {
    static let name = "waiting"
    static let count = 30_000
    /// No attempt may run out of time while it waits for its permit.
    static let policy = DeliveryPolicy(timeout: .seconds(3_600), concurrency: 64)

    /// Makes a store in which so many events wait for the subscription. An engine that is gone again gives it its place.
    static func fill(storeAt folder: URL, count: Int) async throws {
        let storage = try LMDBStorage(path: folder.path)
        try await RunningEngine(storage, Subscription(name, to: OrderPlaced.self, policy: policy) { _, _ in }).stop()
        for first in stride(from: 0, to: count, by: 1_000) {
            try await storage.transaction { tx in
                for number in first..<first + 1_000 { try tx.emit(OrderPlaced(number: number)) }
            }
        }
        await storage.close()
    }

    /// - Parameter settled: called when everything is settled, the engine still running.
    static func measure(
        storeAt folder: URL, settled: () async throws -> Void = {}
    ) async throws -> Double {
        let storage = try LMDBStorage(path: folder.path)
        let permits = Permits()
        let running = try await RunningEngine(
            storage,
            Subscription(name, to: OrderPlaced.self, policy: policy) { _, _ in await permits.take() })
        let rate = try await rate(count) {
            try await inParallel(64, count: count) { number in
                try await storage.emit(OrderPlaced(number: number), headers: [:])
                permits.give()
            }
            while try await delivered(running.engine) < count { await Task.yield() }
        }
        try await settled()
        try await running.stop()
        // Only now: open, the permits would let the backlog through.
        permits.close()
        await storage.close()
        return rate
    }
}
#endif

import AfterCommit
import Foundation

#if LMDB
import AfterCommitLMDB
#endif

/// Emits and settles as many events, while as many as before wait.
enum BacklogRun {
    static let name = "waiting"
    static let count = 30_000
    /// No attempt may run out of time while it waits for its permit.
    static let policy = DeliveryPolicy(timeout: .seconds(3_600), concurrency: 64)

    #if LMDB
    /// Makes a store in which so many events wait for the subscription.
    static func fill(storeAt folder: URL, count: Int) async throws {
        let storage = try LMDBStorage(path: folder.path)
        try await RunningEngine.leavePlace(name, in: storage)
        try await storage.emitInBatches(of: 1_000, count: count)
        await storage.close()
    }

    static func measure(
        storeAt folder: URL, handled: () async throws -> Void = {}
    ) async throws -> Double {
        let storage = try LMDBStorage(path: folder.path)
        let rate = try await measure(storage, handled: handled)
        await storage.close()
        return rate
    }
    #endif

    /// - Parameter handled: called when everything is handled, the engine still running.
    static func measure(
        _ storage: some EventStorage, count: Int = count, handled: () async throws -> Void = {}
    ) async throws -> Double {
        let permits = Permits(total: count)
        let running = try await RunningEngine(
            storage,
            Subscription(name, to: OrderPlaced.self, policy: policy) { _, _ in await permits.take() })
        let rate = try await rate(count) {
            try await inParallel(64, count: count) { number in
                try await storage.emit(OrderPlaced(number: number), headers: [:])
                permits.give()
            }
            await permits.waitUntilUsed()
        }
        try await handled()
        // It settles what was handled; the attempts that wait for a permit are released.
        try await running.stop()
        permits.close()
        return rate
    }
}

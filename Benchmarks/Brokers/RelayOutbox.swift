#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation

/// An outbox on LMDB whose events are emitted before anything is measured, and then relayed to a sink: 4 batches at once.
struct RelayOutbox {
    private static let subscription = "relay"
    private static let policy = DeliveryPolicy(concurrency: 4)
    /// How many messages of 4 batches of 500 are under way at once.
    static let window = 2_000

    private let storage: LMDBStorage
    private let folder: URL

    init() async throws {
        folder = try Scratch.folder("relay")
        storage = try LMDBStorage(path: folder.path)
        try await RunningEngine.leavePlace(Self.subscription, in: storage)
    }

    func close() async throws {
        await storage.close()
        try Scratch.remove(folder)
    }

    /// Emits so many events that wait, starts an engine, and stops it when all of them are settled.
    /// - Returns: how long the engine took.
    func relay(_ count: Int, to sink: some BatchEventSink) async throws -> Duration {
        try await storage.emitInBatches(of: 1_000, count: count)
        let clock = ContinuousClock()
        let begin = clock.now
        let running = try await RunningEngine(
            storage, Subscription(Self.subscription, to: OrderPlaced.self, policy: Self.policy, sink: sink))
        try await running.engine.drain()
        let time = clock.now - begin
        try await expectDelivered(count, since: 0, by: running.engine)
        try await running.stop()
        return time
    }
}

/// Takes what it is given, and does nothing with it.
struct NoSink: BatchEventSink {
    let batch = BatchSize(500)

    func send(_ events: [OutgoingEvent]) async -> [SendOutcome] {
        Array(repeating: .sent, count: events.count)
    }
}
#endif

import AfterCommit
import Logging

/// An engine that delivers until it is stopped.
struct RunningEngine {
    let engine: EventEngine
    private let task: Task<Void, any Error>

    init(_ storage: any EventStorage, _ subscriptions: Subscription...) async throws {
        try await self.init(storage, subscriptions)
    }

    init(_ storage: any EventStorage, _ subscriptions: [Subscription]) async throws {
        let engine = try await EventEngine(
            storage: storage, logger: Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() }),
            subscriptions: subscriptions)
        self.engine = engine
        task = Task { try await engine.run() }
    }

    func stop() async throws {
        task.cancel()
        try await task.value
    }
}

func delivered(_ engine: EventEngine) async throws -> Int {
    try await engine.status().first?.totals.delivered ?? 0
}

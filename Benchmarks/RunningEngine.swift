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

    /// An engine that is gone again leaves its subscription's place: events wait for it from then on.
    static func leavePlace(_ name: String, in storage: any EventStorage) async throws {
        try await Self(storage, Subscription(name, to: OrderPlaced.self) { _, _ in }).stop()
    }
}

func delivered(_ engine: EventEngine) async throws -> Int {
    try await engine.status().first?.totals.delivered ?? 0
}

func expectDelivered(_ count: Int, since before: Int, by engine: EventEngine) async throws {
    let found = try await delivered(engine) - before
    guard found == count else { throw BenchmarkError("\(found) of \(count) events were settled") }
}

import AfterCommit
import Foundation
import Logging
import ServiceLifecycle
import Synchronization

/// What one case works with: a clock of its own, storages, engines.
final class ConformanceRun: Sendable {
    let suite: ConformanceSuite
    let clock = ManualClock()
    private let open = Mutex<[any TableStorage]>([])

    init(suite: ConformanceSuite) {
        self.suite = suite
    }

    private func options(isSmall: Bool) -> ConformanceSuite.StorageOptions {
        .init(envelopes: EnvelopeFactory(source: "/conformance", wallClock: clock.wallClock), isSmall: isSmall)
    }

    func storage(isSmall: Bool = false) async throws -> any TableStorage {
        let storage = try await suite.makeStorage(options(isSmall: isSmall))
        open.withLock { $0.append(storage) }
        return storage
    }

    /// What the storage left, as a new process would find it.
    func reopen(_ storage: any TableStorage) async throws -> any TableStorage {
        _ = open.withLock { $0.popLast() }
        let reopened = try await suite.reopen(storage, options(isSmall: false))
        open.withLock { $0.append(reopened) }
        return reopened
    }

    func closeAll() async throws {
        for storage in open.withLock({ $0 }) { try await suite.close(storage) }
    }

    func engine(
        _ storage: any EventStorage, configuration: EngineConfiguration = EngineConfiguration(),
        _ subscriptions: [Subscription]
    ) async throws -> EventEngine {
        try await EventEngine(
            storage: storage, logger: Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() },
            configuration: configuration, clock: clock, wallClock: clock.wallClock,
            random: Xoshiro256(seed: 7), subscriptions: subscriptions)
    }

    /// Runs an engine while `body` does.
    func running<R>(
        _ storage: any EventStorage, configuration: EngineConfiguration = EngineConfiguration(),
        _ subscriptions: [Subscription], _ body: (EventEngine) async throws -> R
    ) async throws -> R {
        let engine = try await engine(storage, configuration: configuration, subscriptions)
        let running = Task { try await engine.run() }
        let result: Result<R, any Error>
        do {
            result = .success(try await body(engine))
        } catch {
            result = .failure(error)
        }
        running.cancel()
        try await running.value
        return try result.get()
    }

    /// Lets time pass in steps, and everything that can happen at each happen.
    func pass(_ duration: Duration, step: Duration = .milliseconds(500), _ engine: EventEngine) async throws {
        var passed = Duration.zero
        try await engine.waitUntilIdle()
        while passed < duration {
            clock.advance(by: step)
            passed += step
            try await engine.waitUntilIdle()
        }
    }
}

/// What the cases emit.
struct Numbered: Event, Hashable {
    static let type: EventType = "conformance.numbered"
    var number: Int
    var key: String?
    var padding = ""
    var orderingKey: String? { key }
}

/// Another type, which other subscriptions handle.
struct Named: Event, Hashable {
    static let type: EventType = "conformance.named"
    var name: String
}

/// A row that is written beside an event.
struct Row: Codable, Sendable, Hashable {
    var text: String
}

extension Table where Key == String, Value == Row {
    static var rows: Self { Table("rows") }
}

/// What a case's own code throws.
struct Refusal: Error {}

extension RecordingHandler where E == Numbered {
    var numbers: [Int] { calls.map(\.event.number) }

    func subscription(
        _ name: String = "recorder", policy: DeliveryPolicy = .standard, endpoint: Endpoint? = nil
    ) -> Subscription {
        Subscription(name, to: Numbered.self, policy: policy, endpoint: endpoint) { event, context in
            try await self(event, context)
        }
    }
}

extension EventEngine {
    func counts(_ subscription: String = "recorder") async throws -> DeliveryCounts {
        try await status().first { $0.name == subscription }?.counts ?? DeliveryCounts()
    }

    func totals(_ subscription: String = "recorder") async throws -> DeliveryTotals {
        try await status().first { $0.name == subscription }?.totals ?? DeliveryTotals()
    }
}

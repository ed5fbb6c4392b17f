import AfterCommit
import Foundation
import Logging
import ServiceLifecycle

/// What one case works with: a clock of its own, storages, engines.
final class ConformanceRun: Sendable {
    let suite: ConformanceSuite
    let clock = ManualClock()
    private let open = Locked<[any ConformanceStorage]>([])

    init(suite: ConformanceSuite) {
        self.suite = suite
    }

    private func options(
        isSmall: Bool, interceptors: [any EmitInterceptor] = []
    ) -> ConformanceSuite.StorageOptions {
        let envelopes = EnvelopeFactory(
            source: "/conformance", wallClock: clock.wallClock, interceptors: interceptors)
        return .init(envelopes: envelopes, isSmall: isSmall)
    }

    func storage(
        isSmall: Bool = false, interceptors: [any EmitInterceptor] = []
    ) async throws -> any ConformanceStorage {
        let storage = try await suite.makeStorage(options(isSmall: isSmall, interceptors: interceptors))
        open.withLock { $0.append(storage) }
        return storage
    }

    /// What the storage left, as a new process would find it.
    func reopen(_ storage: any ConformanceStorage) async throws -> any ConformanceStorage {
        _ = open.withLock { $0.popLast() }
        let reopened = try await suite.reopen(storage, options(isSmall: false))
        open.withLock { $0.append(reopened) }
        return reopened
    }

    /// The storage that was made or opened last.
    var lastStorage: (any ConformanceStorage)? { open.withLock { $0.last } }

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

extension ConformanceRun {
    /// Looks again and again until `condition` holds: a promise that is broken fails here instead of waiting for ever, after
    /// so many looks and so long that no busy machine is taken for one.
    func eventually(
        _ message: String, _ engine: EventEngine, file: StaticString = #fileID, line: UInt = #line,
        _ condition: () async throws -> Bool
    ) async throws {
        let start = ContinuousClock.now
        var looks = 0
        while looks < 5_000 || start.duration(to: .now) < .seconds(30) {
            looks += 1
            if try await condition() { return }
            // A way through the workers and the storage: each takes its turn meanwhile.
            _ = try await engine.status()
            await Task.yield()
        }
        throw ConformanceFailure(description: "it never came true: \(message) (\(file):\(line))")
    }

    /// Fails the case unless the row of `key` says `text`, or is not there where it says nothing.
    func requireRow(
        _ text: String?, for key: String, _ storage: any ConformanceStorage, file: StaticString = #fileID,
        line: UInt = #line
    ) async throws {
        try requireEqual(try await storage.rows()[key], text, "in the row of \(key)", file: file, line: line)
    }

    /// Claims without an engine until so many are in hand: one claim may hand out fewer than there are.
    func claim(
        _ count: Int, for subscription: String, from storage: any EventStorage, file: StaticString = #fileID,
        line: UInt = #line
    ) async throws -> [ClaimedDelivery] {
        var claimed: [ClaimedDelivery] = []
        let start = ContinuousClock.now
        while claimed.count < count, start.duration(to: .now) < .seconds(10) {
            let request = ClaimRequest(subscription: subscription, limit: 10, now: clock.wallClock.now())
            claimed += try await storage.claim(request).deliveries
            await Task.yield()
        }
        try requireEqual(claimed.count, count, "deliveries that were claimed", file: file, line: line)
        return claimed
    }

    /// Stores envelopes as they are, whatever is in them.
    @discardableResult
    func store(_ envelopes: [Envelope], in storage: any EventStorage) async throws -> [EventID] {
        let room = try await storage.reserveRoom(for: envelopes.count)
        return try await storage.emit(envelopes.map { Emission(envelope: $0) }, into: room)
    }

    /// An envelope of `ConformanceEvent`'s type with bytes of the case's own.
    func envelope(
        _ payload: String, type: EventType = ConformanceEvent.type, version: Int = 1, key: String? = nil,
        in storage: any EventStorage
    ) -> Envelope {
        Envelope(
            id: storage.envelopes.ids.next(), type: type, source: "/conformance", time: clock.wallClock.now(),
            schemaVersion: version, orderingKey: key, payload: .bytes(Data(payload.utf8)))
    }
}

/// Another type, which other subscriptions handle.
struct Named: Event, Hashable {
    static let type: EventType = "conformance.named"
    var name: String
}

/// What a case's own code throws.
struct Refusal: Error {}

/// An attempt's interceptor that is a closure.
struct Intercepting: AttemptInterceptor {
    let body: @concurrent @Sendable (DeliveryContext, Next) async throws -> Void

    init(_ body: @escaping @concurrent @Sendable (DeliveryContext, Next) async throws -> Void) {
        self.body = body
    }

    @concurrent
    func attempt(_ deliveries: [DeliveryContext], next: Next) async throws {
        for context in deliveries.prefix(1) { try await body(context, next) }
    }
}

/// Keeps values that handlers saw, in order.
final class Kept<Value: Sendable>: Sendable {
    private let state = Locked<[Value]>([])

    var values: [Value] { state.withLock { $0 } }
    func append(_ value: Value) { state.withLock { $0.append(value) } }
}

extension RecordingHandler where E == ConformanceEvent {
    var numbers: [Int] { calls.map(\.event.number) }

    func subscription(
        _ name: String = "recorder", policy: DeliveryPolicy = .standard, endpoint: Endpoint? = nil
    ) -> Subscription {
        Subscription(name, to: ConformanceEvent.self, policy: policy, endpoint: endpoint) { event, context in
            try await self(event, context)
        }
    }
}

extension RecordingHandler where E == Named {
    var names: [String] { calls.map(\.event.name) }

    func subscription(_ name: String = "named", policy: DeliveryPolicy = .standard) -> Subscription {
        Subscription(name, to: Named.self, policy: policy) { event, context in try await self(event, context) }
    }
}

extension EventEngine {
    /// The ids of one event's deliveries, or of all in a state.
    func ids(_ eventID: EventID? = nil, state: DeliveryState? = nil) async throws -> [DeliveryID] {
        try await deliveries(DeliveryQuery(state: state, eventID: eventID)).map(\.id)
    }

    func counts(_ subscription: String = "recorder") async throws -> DeliveryCounts {
        try await status().first { $0.name == subscription }?.counts ?? DeliveryCounts()
    }

    func totals(_ subscription: String = "recorder") async throws -> DeliveryTotals {
        try await status().first { $0.name == subscription }?.totals ?? DeliveryTotals()
    }
}

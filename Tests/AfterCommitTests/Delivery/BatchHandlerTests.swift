import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import Synchronization
import Testing

private struct Numbered: Event {
    static let type: EventType = "numbered"
    var number: Int
    var key: String?
    var orderingKey: String? { key }
}

private struct Refusal: Error {}

/// Batches as a handler sees them.
@Suite final class BatchHandlerTests: Sendable {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let clock = ManualClock()
    private let seen = Mutex<[[Int]]>([])

    private func engine(_ subscription: Subscription) async throws -> EventEngine {
        try await EventEngine(
            storage: InMemoryStorage(), logger: quiet, clock: clock, wallClock: clock.wallClock,
            subscriptions: [subscription])
    }

    private func batched(
        _ size: BatchSize, policy: DeliveryPolicy = DeliveryPolicy(concurrency: 1), endpoint: Endpoint? = nil,
        handler: @escaping @concurrent @Sendable (EventBatch<Numbered>) async throws -> Void = { _ in }
    ) -> Subscription {
        Subscription("s", to: Numbered.self, batch: size, policy: policy, endpoint: endpoint) { [self] batch in
            seen.withLock { $0.append(batch.map(\.event.number)) }
            try await handler(batch)
        }
    }

    private var batches: [[Int]] { seen.withLock { $0 } }

    @Test func gathersWhatIsReadyUpToItsSize() async throws {
        let engine = try await engine(batched(BatchSize(4)))
        try await engine.emit(contentsOf: (0..<10).map { Numbered(number: $0) })
        try await engine.drain()
        #expect(batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]])
        #expect(try await engine.status().first?.totals.delivered == 10)
        #expect(try await engine.status().first?.totals.attempts == 10)
    }

    @Test func waitsForCompanyOnTheInjectedClock() async throws {
        let engine = try await engine(batched(BatchSize(3, within: .milliseconds(20))))
        let running = Task { try await engine.run() }
        try await engine.emit(Numbered(number: 0))
        try await engine.waitUntilIdle()
        #expect(batches == [])
        await clock.waitForSleeper(until: clock.now.advanced(by: .milliseconds(20)))
        clock.advance(by: .milliseconds(19))
        try await engine.emit(Numbered(number: 1))
        try await engine.waitUntilIdle()
        #expect(batches == [])
        clock.advance(by: .milliseconds(1))
        try await engine.waitUntilIdle()
        #expect(batches == [[0, 1]])
        try await engine.emit(contentsOf: (2..<5).map { Numbered(number: $0) })
        try await engine.waitUntilIdle()
        #expect(batches == [[0, 1], [2, 3, 4]])
        running.cancel()
        try await running.value
    }

    @Test func settlesEachByItsOwnOutcome() async throws {
        let policy = DeliveryPolicy(maxRetries: 1, concurrency: 1)
        let engine = try await engine(
            batched(BatchSize(10), policy: policy) { batch in
                for delivery in batch where delivery.context.attempt == 1 {
                    switch delivery.event.number {
                    case 1: batch.fail(delivery, Refusal())
                    case 2: batch.fail(delivery, HandlerOutcome.permanent(Refusal()))
                    default: break
                    }
                }
            })
        try await engine.emit(contentsOf: (0..<4).map { Numbered(number: $0) })
        let running = Task { try await engine.run() }
        try await engine.waitUntilIdle()
        let counts = try #require(try await engine.status().first?.counts)
        #expect((counts.retrying, counts.deadLettered, counts.pending) == (1, 1, 0))
        #expect(try await engine.deliveries(DeliveryQuery(state: .retrying)).first?.history.attempts == 1)
        clock.advance(by: .seconds(1))
        try await engine.waitUntilIdle()
        #expect(batches == [[0, 1, 2, 3], [1]])
        running.cancel()
        try await running.value
    }

    @Test func whatItThrowsIsForAllThatWereNotTold() async throws {
        let engine = try await engine(
            batched(BatchSize(10), policy: DeliveryPolicy(maxRetries: 0, concurrency: 1)) { batch in
                batch.fail(batch[0], HandlerOutcome.discard("not needed"))
                throw Refusal()
            })
        try await engine.emit(contentsOf: (0..<3).map { Numbered(number: $0) })
        try await engine.drain()
        let totals = try #require(try await engine.status().first?.totals)
        #expect((totals.discarded, totals.deadLettered, totals.delivered) == (1, 2, 0))
    }

    @Test func holdsOneOfAKey() async throws {
        let engine = try await engine(batched(BatchSize(10)))
        try await engine.emit(
            contentsOf: [(0, "a"), (1, "a"), (2, "b"), (3, nil), (4, "a")].map { Numbered(number: $0, key: $1) })
        try await engine.drain()
        #expect(batches == [[0, 2, 3], [1], [4]])
    }

    @Test func outlivesItsDeadlineAsAWhole() async throws {
        let latch = Latch()
        let engine = try await engine(
            batched(BatchSize(10), policy: DeliveryPolicy(timeout: .seconds(1), concurrency: 1)) { batch in
                if batch[0].context.attempt == 1 { await latch.wait() }
            })
        let running = Task { try await engine.run() }
        try await engine.emit(contentsOf: (0..<3).map { Numbered(number: $0) })
        while batches.isEmpty { await Task.yield() }
        clock.advance(by: .seconds(1))
        try await engine.waitUntilIdle()
        let records = try await engine.deliveries(DeliveryQuery(state: .retrying))
        #expect(records.map { $0.history.failures.map(\.errorType) } == [["timeout"], ["timeout"], ["timeout"]])
        latch.open()
        for _ in 0..<3 {
            clock.advance(by: .seconds(1))
            try await engine.waitUntilIdle()
        }
        #expect(batches.dropFirst().flatMap { $0 }.sorted() == [0, 1, 2])
        running.cancel()
        try await running.value
    }

    @Test func aProbeIsABatchOfOne() async throws {
        let endpoint = Endpoint(
            "e", breaker: CircuitBreakerConfiguration(consecutiveFailures: 1, openDuration: .seconds(5)))
        let engine = try await engine(
            batched(BatchSize(10), endpoint: endpoint) { _ in throw Refusal() })
        let running = Task { try await engine.run() }
        try await engine.emit(contentsOf: (0..<20).map { Numbered(number: $0) })
        try await engine.waitUntilIdle()
        #expect(batches.map(\.count) == [10])
        clock.advance(by: .seconds(5))
        try await engine.waitUntilIdle()
        #expect(batches.map(\.count) == [10, 1])
        running.cancel()
        try await running.value
    }

    @Test func aSinkTellsTheFateOfEach() async throws {
        struct Broker: BatchEventSink {
            let batch = BatchSize(8)
            func send(_ events: [OutgoingEvent]) async -> [SendOutcome] {
                // It forgets the last one's outcome.
                events.dropLast().enumerated().map { $0.offset == 1 ? .failed(Refusal()) : .sent }
            }
        }
        let engine = try await engine(
            Subscription(
                "s", to: Numbered.self, policy: DeliveryPolicy(maxRetries: 0, concurrency: 1), sink: Broker()))
        try await engine.emit(contentsOf: (0..<4).map { Numbered(number: $0) })
        try await engine.drain()
        #expect(
            try await engine.deadLetters().map(\.history.failures.last?.errorType) == ["Refusal", "MissingSendOutcome"])
        #expect(try await engine.status().first?.totals.delivered == 2)
    }

    @Test func theRulesOfThePolicyAreForASinkToo() async throws {
        struct Broker: BatchEventSink {
            let batch = BatchSize(8)
            func send(_ events: [OutgoingEvent]) async -> [SendOutcome] { events.map { _ in .failed(Refusal()) } }
        }
        let policy = DeliveryPolicy(rules: [.on(Refusal.self) { .permanent($0) }])
        let engine = try await engine(Subscription("s", to: Numbered.self, policy: policy, sink: Broker()))
        try await engine.emit(Numbered(number: 1))
        try await engine.drain()
        #expect(try await engine.deadLetters().map(\.reason) == [.permanent])
        #expect(try await engine.status().first?.totals.attempts == 1)
    }
}

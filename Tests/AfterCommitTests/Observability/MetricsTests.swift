import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import Metrics
import MetricsTestKit
import Testing

private struct Numbered: Event {
    static let type: EventType = "numbered"
    var number: Int
}

private struct Other: Event {
    static let type: EventType = "other"
}

private struct Unavailable: Error {}

/// Each attempt fails in its own way.
private struct Varied: Error, DeliveryFailureDescribing {
    let number: Int
    var failureType: String { "type \(number)" }
    var failureStatus: Int? { nil }
}

@Suite struct MetricsTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let clock = ManualClock()
    private let metrics = TestMetrics()

    private func engine(
        _ storage: any EventStorage = InMemoryStorage(), interval: Duration = .seconds(15),
        policy: DeliveryPolicy = DeliveryPolicy(maxRetries: 1, backoff: .constant(.seconds(1))),
        endpoint: Endpoint = Endpoint("platform", breaker: nil),
        handler: @escaping @concurrent @Sendable (Numbered, DeliveryContext) async throws -> Void
    ) async throws -> EventEngine {
        try await EventEngine(
            storage: storage, logger: quiet,
            configuration: EngineConfiguration(metrics: metrics, metricsInterval: interval), clock: clock,
            wallClock: clock.wallClock,
            subscriptions: [
                Subscription("s", to: Numbered.self, policy: policy, endpoint: endpoint, handler: handler)
            ])
    }

    private let messaging = [
        ("messaging.system", "aftercommit"), ("messaging.destination.name", "numbered"),
        ("messaging.destination.subscription.name", "s"),
    ]

    private func total(_ name: String, _ labels: (String, String)...) -> Int64 {
        metrics.counterTotal(label: name, dimensions: [("subscription", "s")] + labels)
    }

    private func gauge(_ name: String, _ labels: (String, String)...) -> Double? {
        metrics.meters(label: name, dimensions: [("subscription", "s")] + labels).first?.lastValue
    }

    @Test func countsWhatBecomesOfDeliveries() async throws {
        let engine = try await engine { event, context in
            switch event.number {
            case 0: throw HandlerOutcome.discard("unwanted")
            case 1: throw Unavailable()
            case 2 where context.attempt == 1: throw Unavailable()
            default: break
            }
        }
        let running = Task { try await engine.run() }
        for number in 0..<10 { try await engine.emit(Numbered(number: number)) }
        try await engine.waitUntilIdle()
        clock.advance(by: .seconds(1))
        try await engine.waitUntilIdle()
        running.cancel()
        try await running.value

        #expect(
            metrics.counterTotal(
                label: "messaging.client.consumed.messages",
                dimensions: messaging + [("messaging.operation.name", "process")]) == 12)
        #expect(total("aftercommit.deliveries.ended", ("outcome", "delivered")) == 8)
        #expect(total("aftercommit.deliveries.ended", ("outcome", "discarded")) == 1)
        #expect(total("aftercommit.dead_letters", ("reason", "exhausted")) == 1)
        #expect(total("aftercommit.attempts.failed") == 3)
        #expect(total("aftercommit.retries") == 2)
        #expect(metrics.counterTotal(label: "messaging.client.sent.messages") == 10)
    }

    @Test func timesEachAttemptOnceByItsError() async throws {
        let engine = try await engine(policy: DeliveryPolicy(maxRetries: 0)) { [clock] event, _ in
            clock.advance(by: .seconds(2))
            if event.number == 1 { throw Unavailable() }
        }
        try await engine.emit(Numbered(number: 0))
        try await engine.drain()
        try await engine.emit(Numbered(number: 1))
        try await engine.drain()

        let labels = messaging + [("messaging.operation.name", "process"), ("endpoint", "platform")]
        func durations(_ errorType: String) -> [Int64] {
            metrics.timers(label: "messaging.process.duration", dimensions: labels + [("error.type", errorType)])
                .flatMap(\.values)
        }
        #expect(durations("") == [2_000_000_000])
        #expect(durations("Unavailable") == [2_000_000_000])
        let settles = metrics.timers(label: "messaging.client.operation.duration")
        #expect(settles.flatMap(\.values).count == 2)
        #expect(settles.flatMap(\.dimensions).contains { $0 == ("messaging.operation.name", "settle") })
    }

    @Test func timesAnAttemptThatOutlivesItsDeadlineOnce() async throws {
        let latch = Latch()
        let engine = try await engine(policy: DeliveryPolicy(maxRetries: 0, timeout: .seconds(3))) { _, _ in
            await latch.wait()
        }
        let running = Task { try await engine.run() }
        try await engine.emit(Numbered(number: 0))
        await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(3)))
        clock.advance(by: .seconds(3))
        try await engine.waitUntilIdle()
        latch.open()
        while try await engine.status()[0].totals.refusedResults == 0 { await Task.yield() }
        running.cancel()
        try await running.value
        #expect(total("aftercommit.attempts.overstayed") == 1)
        let timers = metrics.timers(label: "messaging.process.duration").filter { !$0.values.isEmpty }
        #expect(timers.flatMap(\.values) == [3_000_000_000])
        #expect(timers.flatMap(\.dimensions).contains { $0 == ("error.type", "timeout") })
    }

    @Test func boundsTheErrorTypes() async throws {
        let engine = try await engine(policy: DeliveryPolicy(maxRetries: 0)) { event, _ in
            throw Varied(number: event.number)
        }
        for number in 0..<80 { try await engine.emit(Numbered(number: number)) }
        try await engine.drain()
        let timers = metrics.timers(label: "messaging.process.duration").filter { !$0.values.isEmpty }
        #expect(timers.count == 51)
        let other = timers.filter { $0.dimensions.contains { $0 == ("error.type", "_OTHER") } }
        #expect(other.flatMap(\.values).count == 30)
    }

    @Test func samplesTheBacklogAtEachInterval() async throws {
        let storage = InMemoryStorage(envelopes: EnvelopeFactory(wallClock: clock.wallClock))
        let latch = Latch()
        // What was there before is not counted as sent.
        try await storage.emit(contentsOf: [Numbered(number: 7), Numbered(number: 8), Numbered(number: 9)])
        let engine = try await engine(
            storage,
            policy: DeliveryPolicy(
                maxRetries: 1, backoff: .constant(.seconds(1)), timeout: .seconds(3600), concurrency: 1)
        ) { event, _ in
            if event.number == 0 { throw Unavailable() }
            await latch.wait()
        }
        let running = Task { try await engine.run() }
        await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(15)))
        for number in 0..<5 { try await engine.emit(Numbered(number: number)) }
        // The first has failed once the second holds the only lane.
        while try await storage.counts(subscription: "s").retrying == 0 { await Task.yield() }
        clock.advance(by: .seconds(15))
        await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(15)))
        #expect(gauge("aftercommit.deliveries", ("state", "pending")) == 4)
        #expect(gauge("aftercommit.oldest_pending.age") == 15)
        #expect(metrics.counterTotal(label: "messaging.client.sent.messages") == 5)
        // Sampling goes on, and waiting for the rest does not wait for it.
        latch.open()
        try await engine.drain()
        running.cancel()
        try await running.value
        #expect(gauge("aftercommit.deliveries", ("state", "pending")) == 0)
        #expect(gauge("aftercommit.oldest_pending.age") == 0)
        #expect(metrics.counterTotal(label: "messaging.client.sent.messages") == 5)
    }

    @Test func countsWhatWasTakenFromOthersWhoseLeasesRanOut() async throws {
        let storage = FaultInjectingStorage(InMemoryStorage())
        storage.noteReclaimed(7)
        let engine = try await engine(storage) { _, _ in }
        let running = Task { try await engine.run() }
        for (more, expected) in [(0, 0), (3, 3), (0, 3)] as [(Int, Int64)] {
            await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(15)))
            storage.noteReclaimed(more)
            clock.advance(by: .seconds(15))
            await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(15)))
            #expect(metrics.counterTotal(label: "aftercommit.lease.reclaims") == expected)
        }
        running.cancel()
        try await running.value
    }

    @Test func showsWhyDeliveriesWait() async throws {
        let breaker = CircuitBreakerConfiguration(consecutiveFailures: 2, openDuration: .seconds(600))
        let engine = try await engine(
            policy: DeliveryPolicy(backoff: .constant(.seconds(1)), concurrency: 1),
            endpoint: Endpoint("platform", breaker: breaker)
        ) { _, _ in throw Unavailable() }
        let running = Task { try await engine.run() }
        for number in 0..<6 { try await engine.emit(Numbered(number: number)) }
        try await engine.waitUntilIdle()
        running.cancel()
        try await running.value
        let endpoint = [("endpoint", "platform")]
        #expect(metrics.counterTotal(label: "aftercommit.breaker.opened", dimensions: endpoint) == 1)
        #expect(metrics.meters(label: "aftercommit.breaker.state", dimensions: endpoint).first?.lastValue == 2)
        #expect(gauge("aftercommit.parked", ("reason", "breakerOpen")) == 6)
        #expect(gauge("aftercommit.parked", ("reason", "bulkheadFull")) == 0)
    }

    @Test func neverSamplesWhereThatIsOff() async throws {
        let engine = try await engine(interval: .zero) { _, _ in }
        try await engine.emit(Numbered(number: 0))
        try await engine.drain()
        #expect(metrics.meters(label: "aftercommit.deliveries").isEmpty)
        #expect(total("aftercommit.deliveries.ended", ("outcome", "delivered")) == 1)
    }

    @Test func estimatesFromTheLogsEndAlone() async throws {
        let storage = InMemoryStorage(envelopes: EnvelopeFactory(wallClock: clock.wallClock))
        let engine = try await engine(storage) { _, _ in }
        try await engine.emit(Other())
        clock.advance(by: .seconds(60))
        try await engine.emit(Numbered(number: 1))
        let backlog = try await storage.backlog(subscription: "s")
        let counts = try await storage.counts(subscription: "s")
        #expect(backlog.appended == 2)
        #expect(counts.pending == 1)
        #expect(backlog.counts.pending == 2)
        #expect(backlog.counts.oldestPending == counts.oldestPending.map { $0 - 60 })
        try await engine.drain()
        #expect(try await storage.backlog(subscription: "s").counts == DeliveryCounts())
    }
}

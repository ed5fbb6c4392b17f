import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import Testing

private struct Numbered: Event {
    static let type: EventType = "numbered"
    var number: Int
}

@Suite struct ProbeFailuresTests {
    @Test func isChargedAfterThreeWhileAnothersSucceeded() {
        var probes = ProbeFailures()
        #expect(probes.failed(1) == false)
        #expect(probes.failed(1) == false)
        probes.succeeded(2)
        #expect(probes.failed(1) == true)
        #expect(probes.count == 0)
    }

    @Test func isNotChargedWhileTheEndpointIsDownForAll() {
        var probes = ProbeFailures()
        for _ in 0..<10 {
            #expect(probes.failed(1) == false)
            #expect(probes.failed(2) == false)
        }
    }

    @Test func anothersSuccessCountsOnlyAfterTheFirstFailure() {
        var probes = ProbeFailures()
        probes.succeeded(2)
        for _ in 0..<5 { #expect(probes.failed(1) == false) }
        probes.succeeded(2)
        #expect(probes.failed(1) == true)
    }

    @Test func startsAnewAfterItsOwnSuccessOrWhenForgotten() {
        var probes = ProbeFailures()
        for end in [{ (p: inout ProbeFailures) in p.succeeded(1) }, { $0.forget(1) }] {
            _ = probes.failed(1)
            _ = probes.failed(1)
            end(&probes)
            probes.succeeded(2)
            #expect(probes.failed(1) == false)
            end(&probes)
        }
        #expect(probes.count == 0)
    }
}

@Suite struct OverstayWatchTests {
    @Test func saysItOnceAMinute() {
        var watch = OverstayWatch()
        #expect(watch.shouldWarn(running: 0, now: .zero) == false)
        #expect(watch.shouldWarn(running: 1, now: .seconds(5)) == true)
        #expect(watch.shouldWarn(running: 7, now: .seconds(64)) == false)
        #expect(watch.shouldWarn(running: 7, now: .seconds(65)) == true)
        #expect(watch.shouldWarn(running: 0, now: .seconds(200)) == false)
    }
}

/// Probes as an engine makes them.
@Suite(.timeLimit(.minutes(1))) struct ProbeTests {
    private let clock = ManualClock()

    /// Numbers below zero fail; one failure opens the breaker for a second, and nothing is tried again.
    private func running(
        _ body: (EventEngine, RecordingHandler<Numbered>) async throws -> Void
    ) async throws {
        let handler = RecordingHandler<Numbered> { event, _ in
            if event.number < 0 { throw FailingHandler<Numbered>.Failure() }
        }
        let engine = try await EventEngine(
            storage: InMemoryStorage(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: clock,
            wallClock: clock.wallClock,
            subscriptions: [
                Subscription(
                    "s", to: Numbered.self, policy: DeliveryPolicy(maxRetries: 0, concurrency: 1),
                    endpoint: Endpoint(
                        "e",
                        breaker: CircuitBreakerConfiguration(consecutiveFailures: 1, openDuration: .seconds(1)))
                ) { try await handler($0, $1) }
            ])
        let running = Task { try await engine.run() }
        try await body(engine, handler)
        running.cancel()
        try await running.value
    }

    private func pass(seconds: Int, _ engine: EventEngine) async throws {
        try await engine.waitUntilIdle()
        for _ in 0..<seconds {
            clock.advance(by: .seconds(1))
            try await engine.waitUntilIdle()
        }
    }

    @Test func theStubbornOneIsChargedInTheEnd() async throws {
        try await running { engine, handler in
            try await engine.emit(contentsOf: [-1, -2, 1, -3, 2, -4].map { Numbered(number: $0) })
            try await pass(seconds: 4, engine)
            // -1, -3 and -4 opened the breaker; -2 has failed two probes, 1 and 2 succeeded in theirs.
            #expect(handler.calls.map(\.event.number) == [-1, -2, 1, -3, 2, -4, -2])
            #expect(try await engine.status().first?.counts.deadLettered == 3)
            try await pass(seconds: 1, engine)
            #expect(handler.calls.last?.event.number == -2)
            #expect(try await engine.status().first?.counts.deadLettered == 4)
            try await pass(seconds: 3, engine)
            #expect(handler.calls.count == 8)
        }
    }

    @Test func theNextProbeIsAnotherThoughItWasNotClaimedBefore() async throws {
        try await running { engine, handler in
            try await engine.emit(contentsOf: [-1, -2].map { Numbered(number: $0) })
            try await pass(seconds: 1, engine)
            try await engine.emit(Numbered(number: 1))
            try await pass(seconds: 2, engine)
            #expect(handler.succeeded.map(\.event.number) == [1])
        }
    }
}

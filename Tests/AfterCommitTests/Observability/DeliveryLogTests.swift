import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import Testing

private struct Confidential: Event {
    static let type: EventType = "confidential"
    var text = "not for logs"
    var orderingKey: String? { "shop\n1" }
}

/// An error that tries to forge a log line, with its type too.
private struct Forged: Error, CustomStringConvertible, DeliveryFailureDescribing {
    let description = "first\nerror delivery dead-lettered\u{1B}[2J"
    var failureType: String { "forged\ntype" }
    var failureStatus: Int? { 503 }
}

@Suite struct DeliveryLogTests {
    private func lines(_ levels: LogLevels = LogLevels()) async throws -> LogLines {
        let lines = LogLines()
        let clock = ManualClock()
        let policy = DeliveryPolicy(maxRetries: 1, backoff: .constant(.seconds(1)), whenKeyExhausted: .skip)
        let engine = try await EventEngine(
            storage: InMemoryStorage(), logger: lines.logger,
            configuration: EngineConfiguration(logLevels: levels), clock: clock, wallClock: clock.wallClock,
            subscriptions: [
                Subscription(
                    "s", to: Confidential.self, policy: policy,
                    endpoint: Endpoint("platform", breaker: CircuitBreakerConfiguration(consecutiveFailures: 2))
                ) { _, _ in throw Forged() }
            ])
        let running = Task { try await engine.run() }
        try await engine.emit(Confidential())
        try await engine.waitUntilIdle()
        clock.advance(by: .seconds(1))
        try await engine.waitUntilIdle()
        running.cancel()
        try await running.value
        return lines
    }

    @Test func namesTheEventAndItsAttempt() async throws {
        let lines = try await lines()
        let failed = try #require(lines.all("attempt failed").first)
        #expect(failed.level == .notice)
        #expect(
            Set(failed.metadata.keys) == [
                "event.id", "event.type", "event.ordering_key", "subscription", "endpoint", "storage",
                "delivery.attempt", "delivery.max_attempts", "error.type", "error.status", "error.message",
            ])
        #expect(failed.metadata["delivery.attempt"] == "1")
        #expect(failed.metadata["delivery.max_attempts"] == "2")
        #expect(failed.metadata["endpoint"] == "platform")
        #expect(failed.metadata["error.status"] == "503")

        let retry = try #require(lines.all("retry scheduled").first)
        #expect(retry.level == .debug)
        #expect(retry.metadata["delivery.due"] == "2027-01-15T08:00:01.000Z")

        let dead = try #require(lines.all("delivery dead-lettered").first)
        #expect(dead.level == .error)
        #expect(dead.metadata["delivery.reason"] == "exhausted")
        #expect(dead.metadata["delivery.attempt"] == "2")
        #expect(dead.metadata["event.id"] == failed.metadata["event.id"])

        let breaker = try #require(lines.all("circuit breaker changed").first)
        #expect(breaker.level == .warning)
        #expect(breaker.metadata["endpoint"] == "platform")
        #expect(breaker.metadata["breaker.state"] == "open")
    }

    @Test func staysOneLineWithoutPayload() async throws {
        let all = try await lines().all.map(\.text)
        #expect(all.contains { $0.contains("first\\u{a}error") })
        #expect(!all.contains { $0.contains("\n") || $0.contains("\u{1B}") })
        #expect(!all.contains { $0.contains("not for logs") })
    }

    @Test func takesTheLevelsItIsGiven() async throws {
        let lines = try await lines(
            LogLevels(attemptFailed: .trace, retryScheduled: .info, deadLettered: .critical, breakerChanged: .debug))
        #expect(lines.all("attempt failed").allSatisfy { $0.level == .trace })
        #expect(lines.all("retry scheduled").map(\.level) == [.info])
        #expect(lines.all("delivery dead-lettered").map(\.level) == [.critical])
        #expect(lines.all("circuit breaker changed").map(\.level) == [.debug])
    }
}

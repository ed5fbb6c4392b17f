import AfterCommit
import Foundation
import Testing

@Suite struct DeliveryDecisionTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func decide(
        _ result: AttemptResult, attempts: Int = 0, isProbe: Bool = false, key: String? = nil,
        policy: DeliveryPolicy = .http
    ) -> DeliveryDecision {
        var random: any RandomNumberGenerator & Sendable = Xoshiro256(seed: 3)
        let envelope = Envelope(
            id: EventIDGenerator().next(), type: "t", source: "/", time: now, orderingKey: key,
            payload: .bytes(Data()))
        return DeliveryDecision.decide(
            EndedAttempt(
                delivery: ClaimedDelivery(
                    sequence: 1, envelope: envelope, history: DeliveryHistory(attempts: attempts)),
                startedAt: now, duration: .seconds(1), result: result, isProbe: isProbe),
            subscription: "s", policy: policy, now: now, random: &random)
    }

    private let failure = AttemptResult.Failure(errorType: "e", message: "m")

    @Test(arguments: [(0, 1.0), (1, 2.0), (2, 4.0)])
    func waitsLonger(_ attempts: Int, _ full: Double) {
        guard case .retrying(let due, let history) = decide(.failed(failure, retryAfter: nil), attempts: attempts)
        else { return #expect(Bool(false), "no retry") }
        #expect(history.attempts == attempts + 1)
        #expect((full / 2...full).contains(due.timeIntervalSince(now)))
    }

    @Test func isDeadAfterTheLastAttempt() {
        guard case .deadLettered(let letter) = decide(.failed(failure, retryAfter: nil), attempts: 3, key: "k")
        else { return #expect(Bool(false), "not dead") }
        #expect(letter.reason == .exhausted)
        #expect(letter.history.attempts == 4)
        #expect(letter.blocksKey)
    }

    @Test func aProbeCostsNothing() {
        guard case .requeued = decide(.failed(failure, retryAfter: nil), attempts: 3, isProbe: true) else {
            return #expect(Bool(false), "charged")
        }
        guard case .deadLettered = decide(.rejected(failure), isProbe: true) else {
            return #expect(Bool(false), "an answer is charged")
        }
    }

    @Test func obeysRetryAfterUpToAMinute() {
        guard case .retrying(let due, let history) = decide(.failed(failure, retryAfter: .seconds(60))) else {
            return #expect(Bool(false), "no retry")
        }
        #expect(due.timeIntervalSince(now) == 60)
        #expect(history.attempts == 1)
        guard case .retrying(let parked, let unchanged) = decide(.failed(failure, retryAfter: .seconds(61))) else {
            return #expect(Bool(false), "not parked")
        }
        #expect(parked.timeIntervalSince(now) == 61)
        #expect(unchanged.attempts == 0)
        guard case .retrying(let absurd, _) = decide(.failed(failure, retryAfter: .seconds(1e12))) else {
            return #expect(Bool(false), "not parked")
        }
        #expect(absurd.timeIntervalSince(now) == 86_400)
    }

    @Test func backoffStaysWithinItsCap() {
        var random: any RandomNumberGenerator & Sendable = Xoshiro256(seed: 5)
        let backoff = Backoff.exponential(base: .seconds(1), factor: 2, cap: .seconds(4))
        for retry in 1...2000 {
            let delay = backoff.delay(beforeRetry: retry, random: &random)
            #expect(delay <= .seconds(4))
            #expect(delay >= .milliseconds(500))
        }
        #expect(Backoff.custom { .seconds(-$0) }.delay(beforeRetry: 1, random: &random) == .zero)
    }

    @Test func readsWhatHandlersThrow() {
        struct Described: DeliveryFailureDescribing {
            let failureType = "http.503"
            let failureStatus: Int? = 503
        }
        #expect(AttemptResult(thrown: Described()).failure?.status == 503)
        #expect(AttemptResult(thrown: HandlerOutcome.permanent(Described())).failure?.errorType == "http.503")
        #expect(AttemptResult(thrown: HandlerOutcome.discard("x")).failure == nil)
        #expect(AttemptResult(thrown: CancellationError()).endpointReport == .failed)
        #expect(AttemptResult(thrown: HandlerOutcome.permanent(Described())).endpointReport == .up)
        struct Long: Error, CustomStringConvertible { let description = String(repeating: "x", count: 10_000) }
        #expect(AttemptResult(thrown: Long()).failure?.message.count == 500)
    }
}

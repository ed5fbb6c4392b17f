import AfterCommit
import Testing

@Suite struct DeliveryPresetTests {
    /// The waits of a policy, for many throws of its jitter.
    private func waits(_ policy: DeliveryPolicy) -> [[Duration]] {
        (0..<200 as Range<UInt64>).map { seed in
            var random: any RandomNumberGenerator & Sendable = Xoshiro256(seed: seed)
            return (1...policy.maxRetries).map { policy.backoff.delay(beforeRetry: $0, random: &random) }
        }
    }

    @Test func httpTriesFourTimesWithinTwentySeconds() {
        let policy = DeliveryPolicy.http
        #expect(policy.maxAttempts == 4)
        #expect(policy.timeout == .seconds(3))
        for waits in waits(policy) {
            for (wait, full) in zip(waits, [1.0, 2, 4]) { #expect((full / 2...full).contains(wait / .seconds(1))) }
            #expect(waits.reduce(.zero, +) + policy.timeout * policy.maxAttempts < .seconds(20))
        }
    }

    @Test func daysTriesTwentyTimesOverAboutThreeDays() {
        let policy = DeliveryPolicy.days
        #expect(policy.maxAttempts == 20)
        for waits in waits(policy) {
            let sum = waits.reduce(.zero, +)
            #expect((2.0...4.1).contains(sum / .seconds(86_400)))
            #expect(waits.allSatisfy { $0 <= .seconds(43_200) })
            // All attempts fit the budget, so that it ends as exhausted.
            #expect(sum + policy.timeout * policy.maxAttempts < policy.budget)
        }
        #expect(policy.budget < InboxRecord.standardWindow)
    }

    @Test func aBackoffNeverIsNegative() {
        var random: any RandomNumberGenerator & Sendable = Xoshiro256(seed: 1)
        #expect(Backoff.custom { .seconds(-$0) }.delay(beforeRetry: 3, random: &random) == .zero)
        // However many retries there are, the delay stays what it is.
        let policy = DeliveryPolicy(maxRetries: 10_000)
        #expect(policy.backoff.delay(beforeRetry: .max, random: &random) <= .seconds(4))
    }
}

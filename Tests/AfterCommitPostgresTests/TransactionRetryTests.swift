#if Postgres
import AfterCommit
import Testing

@testable import AfterCommitPostgres

@Suite struct TransactionRetryTests {
    private var random = Xoshiro256(seed: 1)

    @Test mutating func conflictsAreTriedAgainSoManyTimes() {
        var retry = TransactionRetry(maxConflicts: 3, patience: .seconds(10))
        var waits: [Duration] = []
        while case .runAgain(let wait) = retry.failed(.conflict, now: .zero, random: &random) { waits.append(wait) }
        #expect(waits.count == 3)
        #expect(waits.allSatisfy { $0 > .zero && $0 <= .milliseconds(16) })
    }

    @Test mutating func aServerThatIsAwayIsWaitedForSoLong() {
        var retry = TransactionRetry(maxConflicts: 0, patience: .seconds(10))
        var now = Duration.zero
        var tries = 0
        while case .runAgain(let wait) = retry.failed(.connectionLost, now: now, random: &random) {
            #expect(wait <= .seconds(1))
            now += wait
            tries += 1
        }
        #expect(now >= .seconds(10) && now < .seconds(12))
        #expect(tries > 10)
    }

    @Test mutating func theWaitBeginsAnewWhenTheServerWasThereInBetween() {
        var retry = TransactionRetry(maxConflicts: 5, patience: .seconds(10))
        _ = retry.failed(.connectionLost, now: .seconds(1), random: &random)
        _ = retry.failed(.conflict, now: .seconds(9), random: &random)
        #expect(retry.failed(.connectionLost, now: .seconds(12), random: &random) != .giveUp)
    }

    @Test mutating func whatTheBodyThrewIsNotTriedAgain() {
        var retry = TransactionRetry(maxConflicts: 5, patience: .seconds(10))
        #expect(retry.failed(.other, now: .zero, random: &random) == .giveUp)
    }
}
#endif

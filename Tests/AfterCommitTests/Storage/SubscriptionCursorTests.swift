import AfterCommit
import Testing

@Suite struct SubscriptionCursorTests {
    @Test func handsOutInOrderAndTakesBack() {
        var cursor = SubscriptionCursor(settledBelow: 5)
        #expect((0..<3).map { _ in cursor.claimNext(below: 8) } == [5, 6, 7])
        #expect(cursor.claimNext(below: 8) == nil)
        #expect(!cursor.hasClaimable(below: 8))
        cursor.release(7)
        cursor.release(5)
        #expect(cursor.hasClaimable(below: 8))
        #expect(cursor.claimNext(below: 9) == 5)
        #expect(cursor.claimNext(below: 9) == 7)
        #expect(cursor.claimNext(below: 9) == 8)
    }

    @Test func keepsWhatIsSettledAheadAsRuns() {
        var cursor = SubscriptionCursor(settledBelow: 1)
        cursor.settle([5, 3, 4, 9])
        #expect(cursor.settledAhead == [3..<6, 9..<10])
        #expect(cursor.unsettledCount(below: 11) == 6)
        cursor.settle([1, 2])
        #expect(cursor.settledBelow == 6)
        #expect(cursor.settledAhead == [9..<10])
        cursor.settle([6, 7, 8])
        #expect(cursor.settledBelow == 10)
        #expect(cursor.settledAhead.isEmpty)
        cursor.settle([2, 3])
        #expect(cursor.settledBelow == 10)
    }

    @Test func skipsWhatWasSettledBeforeTheStart() {
        var cursor = SubscriptionCursor(settledBelow: 2, settledAhead: [3..<5, 6..<7])
        #expect((0..<4).map { _ in cursor.claimNext(below: 9) } == [2, 5, 7, 8])
    }

    @Test func takesWhatWasTrimmedForSettled() {
        func cursor(_ first: UInt64) -> SubscriptionCursor {
            SubscriptionCursor(settledBelow: 3, settledAhead: [5..<8, 10..<12], trimmedBelow: first)
        }
        #expect(cursor(1) == SubscriptionCursor(settledBelow: 3, settledAhead: [5..<8, 10..<12]))
        #expect(cursor(4) == SubscriptionCursor(settledBelow: 4, settledAhead: [5..<8, 10..<12]))
        #expect(cursor(6) == SubscriptionCursor(settledBelow: 8, settledAhead: [10..<12]))
        #expect(cursor(20) == SubscriptionCursor(settledBelow: 20))
    }

    /// Against a plain set, in many random runs.
    @Test(arguments: 0..<50) func agreesWithAModel(_ seed: UInt64) {
        var random = Xoshiro256(seed: seed)
        var cursor = SubscriptionCursor(settledBelow: 0)
        var settled: Set<UInt64> = []
        var claimed: Set<UInt64> = []
        var tail: UInt64 = 0
        for _ in 0..<400 {
            switch Int.random(in: 0..<6, using: &random) {
            case 0: tail += UInt64.random(in: 0..<6, using: &random)
            case 1, 2:
                if let next = cursor.claimNext(below: tail) {
                    #expect(!settled.contains(next))
                    #expect(claimed.insert(next).inserted)
                }
            case 5 where tail > 0:
                let one = UInt64.random(in: 0..<tail, using: &random)
                let isFree = !settled.contains(one) && !claimed.contains(one)
                #expect(cursor.claim(one) == isFree)
                claimed.insert(one)
                if settled.contains(one) { claimed.remove(one) }
            case 3:
                if let one = claimed.randomElement(using: &random) {
                    claimed.remove(one)
                    cursor.release(one)
                }
            default:
                let some = claimed.filter { _ in Bool.random(using: &random) }
                claimed.subtract(some)
                settled.formUnion(some)
                cursor.settle(Array(some))
            }
            if Int.random(in: 0..<60, using: &random) == 0 {
                cursor = SubscriptionCursor(settledBelow: cursor.settledBelow, settledAhead: cursor.settledAhead)
                claimed = []
            }
            for sequence in 0..<cursor.reached { #expect(settled.contains(sequence) || claimed.contains(sequence)) }
        }
        for sequence in 0..<tail { #expect(cursor.isSettled(sequence) == settled.contains(sequence)) }
        #expect(cursor.unsettledCount(below: tail) == Int(tail) - settled.count)
    }
}

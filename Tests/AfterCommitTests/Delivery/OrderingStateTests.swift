import AfterCommit
import Foundation
import Testing

@Suite struct OrderingStateTests {
    private func delivery(_ sequence: UInt64, _ key: String?) -> ClaimedDelivery {
        ClaimedDelivery(
            sequence: sequence,
            envelope: Envelope(
                id: EventIDGenerator().next(), type: "t", source: "/", time: Date(timeIntervalSince1970: 0),
                orderingKey: key, payload: .bytes(Data())))
    }

    @Test func oneOfAKeyRuns() {
        var ordering = OrderingState(maxHeld: 10)
        #expect(ordering.admit(delivery(1, "a")) == .run)
        #expect(ordering.admit(delivery(2, "a")) == .held)
        #expect(ordering.admit(delivery(3, "b")) == .run)
        #expect(ordering.admit(delivery(4, nil)) == .run)
        let next = ordering.end(key: "a", sequence: 1, outcome: .done)
        #expect(next.run.map(\.sequence) == [2])
        #expect(ordering.heldCount == 0)
        #expect(ordering.end(key: "a", sequence: 2, outcome: .done).run.isEmpty)
        #expect(ordering.admit(delivery(5, "a")) == .run)
    }

    @Test func aRetryingHeadBlocksThoseBehindIt() {
        var ordering = OrderingState(maxHeld: 10)
        #expect(ordering.admit(delivery(1, "a")) == .run)
        #expect(ordering.admit(delivery(2, "a")) == .held)
        #expect(ordering.end(key: "a", sequence: 1, outcome: .retrying).block.map(\.sequence) == [2])
        #expect(ordering.admit(delivery(3, "a")) == .block)
        #expect(ordering.blockedCount == 2)
        #expect(ordering.admit(delivery(1, "a")) == .run)
        #expect(ordering.end(key: "a", sequence: 1, outcome: .done).claimBlocked == "a")
        // A new one must not overtake those that are stored.
        #expect(ordering.admit(delivery(4, "a")) == .block)
        let next = ordering.admitBlocked([delivery(2, "a"), delivery(3, "a"), delivery(4, "a")], key: "a")
        #expect(next.run.map(\.sequence) == [2])
        #expect(ordering.blockedCount == 0)
        #expect(ordering.end(key: "a", sequence: 2, outcome: .done).run.map(\.sequence) == [3])
    }

    @Test func beyondTheBoundFollowersAreBlocked() {
        var ordering = OrderingState(maxHeld: 1)
        #expect(ordering.admit(delivery(1, "a")) == .run)
        #expect(ordering.admit(delivery(2, "a")) == .held)
        #expect(ordering.admit(delivery(3, "a")) == .block)
        #expect(ordering.end(key: "a", sequence: 1, outcome: .done).run.map(\.sequence) == [2])
        #expect(ordering.end(key: "a", sequence: 2, outcome: .done).claimBlocked == "a")
        #expect(ordering.admitBlocked([], key: "a").run.isEmpty)
        #expect(ordering.admit(delivery(4, "a")) == .run)
    }

    @Test func aDeadHeadBlocksUntilItIsGone() {
        var ordering = OrderingState(maxHeld: 10)
        #expect(ordering.admit(delivery(1, "a")) == .run)
        #expect(ordering.end(key: "a", sequence: 1, outcome: .dead(blocksKey: true)).run.isEmpty)
        #expect(ordering.admit(delivery(2, "a")) == .block)
        #expect(ordering.unblock(sequences: [7]).isEmpty)
        #expect(ordering.unblock(sequences: [1]).map(\.claimBlocked) == ["a"])
    }

    @Test func goesOnWhereAnotherProcessStopped() {
        var ordering = OrderingState(
            maxHeld: 10,
            places: [
                .init(key: "retrying", retrying: 3, blocked: 2), .init(key: "dead", dead: 5, blocked: 1),
                .init(key: "free", blocked: 4, firstBlocked: 6),
            ])
        #expect(ordering.blockedCount == 7)
        #expect(ordering.admit(delivery(9, "retrying")) == .block)
        #expect(ordering.admit(delivery(3, "retrying")) == .run)
        #expect(ordering.admit(delivery(9, "dead")) == .block)
        #expect(ordering.reached(5).isEmpty)
        #expect(ordering.awaitsHeads)
        #expect(ordering.reached(6) == ["free"])
        #expect(!ordering.awaitsHeads)
    }

    @Test func whatRanBeforeARestartComesBeforeThoseBlockedBehindIt() {
        var ordering = OrderingState(
            maxHeld: 10, places: [.init(key: "a", blocked: 2, firstBlocked: 5)])
        #expect(ordering.admit(delivery(2, "a")) == .run)
        // Another one that was not settled either, ahead of the blocked ones.
        #expect(ordering.admit(delivery(3, "a")) == .block)
        #expect(ordering.end(key: "a", sequence: 2, outcome: .done).claimBlocked == nil)
        #expect(ordering.admit(delivery(4, "a")) == .block)
        #expect(ordering.reached(9) == ["a"])
        #expect(ordering.reached(10).isEmpty)
    }

    @Test func aDeadLetterBlocksBehindARetryingHeadThatComesBeforeIt() {
        var ordering = OrderingState(
            maxHeld: 4, places: [.init(key: "k", retrying: 1, dead: 3, blocked: 1, firstBlocked: 4)])
        #expect(ordering.admit(delivery(1, "k")) == .run)
        #expect(ordering.end(key: "k", sequence: 1, outcome: .done).claimBlocked == nil)
        #expect(ordering.admit(delivery(9, "k")) == .block)
        #expect(ordering.unblock(sequences: [3]).map(\.claimBlocked) == ["k"])
    }

    @Test func aLaterDeadLetterThatIsRedrivenBlocksNothing() {
        var ordering = OrderingState(maxHeld: 4, places: [.init(key: "k", retrying: 1, dead: 3)])
        #expect(Set(ordering.awaited) == [1, 3])
        // Redriven while its key still retries: it waits like any other.
        #expect(ordering.admit(delivery(3, "k")) == .block)
        #expect(ordering.awaited == [1])
        #expect(ordering.admit(delivery(1, "k")) == .run)
        #expect(ordering.end(key: "k", sequence: 1, outcome: .done).claimBlocked == "k")
        #expect(ordering.admitBlocked([delivery(3, "k")], key: "k").run.map(\.sequence) == [3])
    }

    @Test func tellsWhatKeysWaitFor() {
        var ordering = OrderingState(
            maxHeld: 4,
            places: [.init(key: "a", retrying: 1, dead: 3), .init(key: "b", dead: 2), .init(key: "c", retrying: 4)])
        #expect(Set(ordering.awaited) == [1, 2, 3, 4])
        _ = ordering.unblock(sequences: [2, 3])
        #expect(Set(ordering.awaited) == [1, 4])
    }
}

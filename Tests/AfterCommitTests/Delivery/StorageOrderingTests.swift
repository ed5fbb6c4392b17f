import AfterCommit
import Foundation
import Testing

/// The order of keys where the storage keeps it: nothing is remembered of a key whose head is not in hand.
@Suite struct StorageOrderingTests {
    private func delivery(_ sequence: UInt64) -> ClaimedDelivery {
        ClaimedDelivery(
            sequence: sequence,
            envelope: Envelope(
                id: EventID(high: 0, low: sequence), type: "test", source: "/", time: Date(timeIntervalSince1970: 0),
                orderingKey: "key", payload: .bytes(Data())))
    }

    @Test func followersOfARunningHeadRunAfterIt() {
        var state = OrderingState(maxHeld: 10, storageOrdersKeys: true)
        #expect(state.admit(delivery(1)) == .run)
        #expect(state.admit(delivery(2)) == .held)
        #expect(state.end(key: "key", sequence: 1, outcome: .done).run.map(\.sequence) == [2])
    }

    @Test(arguments: [OrderingState.HeadOutcome.retrying, .dead(blocksKey: true)])
    func whatComesAfterAHeadThatTakesLongIsTheStoragesAffair(_ outcome: OrderingState.HeadOutcome) {
        var state = OrderingState(maxHeld: 10, storageOrdersKeys: true)
        #expect(state.admit(delivery(1)) == .run)
        #expect(state.admit(delivery(2)) == .held)
        let next = state.end(key: "key", sequence: 1, outcome: outcome)
        #expect(next.block.map(\.sequence) == [2])
        #expect(next.run.isEmpty)
        #expect(state.blockedCount == 0)
        #expect(state.heldCount == 0)
        // The storage does not know of the head's outcome yet.
        #expect(state.admit(delivery(3)) == .block)
        state.stored([Settlement(delivery: delivery(2), outcome: .blocked)])
        #expect(state.admit(delivery(4)) == .block)
        #expect(state.blockedCount == 0)
        state.stored([
            Settlement(delivery: delivery(1), outcome: .retrying(due: .distantPast, history: DeliveryHistory()))
        ])
        #expect(state.awaited.isEmpty)
        // Another process has ended the head: what the storage hands out now runs.
        #expect(state.admit(delivery(2)) == .run)
    }

    @Test func aHeadThatRunsAgainIsNotForgottenForItsLastOutcome() {
        var state = OrderingState(maxHeld: 10, storageOrdersKeys: true)
        #expect(state.admit(delivery(1)) == .run)
        _ = state.end(key: "key", sequence: 1, outcome: .retrying)
        #expect(state.admit(delivery(1)) == .run)
        state.stored([
            Settlement(delivery: delivery(1), outcome: .retrying(due: .distantPast, history: DeliveryHistory()))
        ])
        #expect(state.admit(delivery(2)) == .held)
    }

    @Test func pastTheBoundTheyGoBackToTheStorage() {
        var state = OrderingState(maxHeld: 1, storageOrdersKeys: true)
        #expect(state.admit(delivery(1)) == .run)
        #expect(state.admit(delivery(2)) == .held)
        #expect(state.admit(delivery(3)) == .block)
        let next = state.end(key: "key", sequence: 1, outcome: .done)
        #expect(next.run.map(\.sequence) == [2])
        let last = state.end(key: "key", sequence: 2, outcome: .done)
        #expect(last.run.isEmpty)
        #expect(last.claimBlocked == nil)
    }
}

#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation
import Testing

@Suite struct BacklogTests {
    private func registration() -> SubscriptionRegistration {
        SubscriptionRegistration(name: "s", types: EventTypeSelection(types: [OrderPlaced.type]), start: .now)
    }

    @Test func agreesWithTheCountsWhereAllEventsAreHandled() async throws {
        let clock = FixedWallClock()
        try await withStorage(clock: clock) { storage in
            _ = try await storage.attach([registration()], wake: { _ in })
            #expect(try await storage.backlog(subscription: "s") == BacklogEstimate(DeliveryCounts(), appended: 0))
            try await storage.emit(contentsOf: (0..<20).map { OrderPlaced(number: $0, key: "\($0)") }, headers: [:])
            let claimed = try await storage.claim(
                ClaimRequest(subscription: "s", limit: 10, now: clock.now())
            ).deliveries
            func settlement(_ index: Int, _ outcome: Settlement.Outcome) -> Settlement {
                Settlement(delivery: claimed[index], outcome: outcome)
            }
            let letter = DeadLetter(
                id: DeliveryID(subscription: "s", sequence: claimed[7].sequence), envelope: claimed[7].envelope,
                reason: .permanent, history: DeliveryHistory(), deadSince: clock.now(), blocksKey: false)
            var batch = SettlementBatch(
                subscription: "s", delivered: [claimed[0].sequence, claimed[1].sequence])
            batch.exceptions = [
                settlement(2, .retrying(due: clock.now() + 60, history: DeliveryHistory(attempts: 1))),
                settlement(3, .retrying(due: clock.now() + 90, history: DeliveryHistory(attempts: 1))),
                settlement(4, .blocked), settlement(5, .parked(history: DeliveryHistory())),
                settlement(6, .blocked), settlement(7, .deadLettered(letter)),
            ]
            _ = try await storage.settle(batch)
            clock.advance(by: 30)
            try await storage.emit(OrderPlaced(number: 99))

            let backlog = try await storage.backlog(subscription: "s")
            #expect(backlog.appended == 21)
            #expect(backlog.counts == (try await storage.counts(subscription: "s")))
            #expect(backlog.counts.pending == 13)
            #expect(backlog.counts.retrying == 2)
            #expect(backlog.counts.blocked == 2)
            #expect(backlog.counts.parked == 1)
            #expect(backlog.counts.deadLettered == 1)
            storage.detach()
            // Without an engine it is told from what is stored.
            #expect(try await storage.backlog(subscription: "s") == backlog)
        }
    }

    @Test func countsEventsOfOtherTypesUntilTheyArePassed() async throws {
        try await withStorage { storage in
            _ = try await storage.attach([registration()], wake: { _ in })
            try await storage.emit(contentsOf: (0..<3).map { OrderShipped(number: $0) }, headers: [:])
            #expect(try await storage.counts(subscription: "s").pending == 0)
            #expect(try await storage.backlog(subscription: "s").counts.pending == 3)
            _ = try await storage.claim(ClaimRequest(subscription: "s", limit: 10, now: Date()))
            #expect(try await storage.backlog(subscription: "s").counts.pending == 0)
            storage.detach()
        }
    }
}
#endif

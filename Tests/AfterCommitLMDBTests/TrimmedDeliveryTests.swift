#if LMDB
import AfterCommit
import Foundation
import Testing

@testable import AfterCommitLMDB

/// Deliveries whose events the log has forgotten.
@Suite struct TrimmedDeliveryTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    @Test func everyExceptionKeepsItsEvent() async throws {
        try await withStorePath { path in
            let clock = FixedWallClock()
            let configuration = LMDBStorage.Configuration(retention: .seconds(60))
            var storage = try open(path, configuration: configuration, clock: clock)
            _ = try await storage.attach()
            try await storage.emit(1...6, key: "k")
            let claimed = try await storage.claim().deliveries
            let history = DeliveryHistory(attempts: 2)
            let letter = DeadLetter(
                id: DeliveryID(subscription: "ledger", sequence: claimed[3].sequence), envelope: claimed[3].envelope,
                reason: .cancelled, history: history, deadSince: now, blocksKey: false)
            let outcomes: [Settlement.Outcome] = [
                .retrying(due: now + 5, history: history), .blocked, .parked(history: history), .deadLettered(letter),
            ]
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger", delivered: claimed[4...].map(\.sequence),
                    exceptions: zip(claimed, outcomes).map { Settlement(delivery: $0, outcome: $1) }))
            clock.advance(by: 100)
            try await storage.emit([7])
            try await storage.trimNow()
            #expect(try await storage.entries(of: \.log) == 1)
            await storage.close()
            storage = try open(path, configuration: configuration, clock: clock)
            let listed = try await storage.deliveries(DeliveryQuery())
            #expect(listed.map(\.state) == [.retrying, .blocked, .parked, .deadLettered, .pending])
            // The same engine once more knows no more than before; another one may.
            let registration = SubscriptionRegistration(
                name: "ledger", types: EventTypeSelection(types: [OrderPlaced.type]), retriesParked: false)
            _ = try await storage.attach([registration]) { _ in }
            #expect(try await storage.counts(subscription: "ledger").parked == 1)
            storage.detach()
            _ = try await storage.attach()
            #expect(try await storage.counts(subscription: "ledger").parked == 0)
            #expect(try await storage.redrive([letter.id]) == [letter.id])
            let due = try await storage.claim(now: clock.now())
            #expect(try Set(storage.numbers(due)) == [1, 3, 4, 7])
            #expect(due.deliveries.first { $0.sequence == claimed[2].sequence }?.history?.attempts == 2)
            let blocked = try await storage.claimBlocked(
                subscription: "ledger", orderingKeys: ["k"], limitPerKey: 10)["k"]
            #expect(blocked?.map(\.sequence) == [claimed[1].sequence])
            #expect(blocked?.map(\.envelope.id) == [claimed[1].envelope.id])
            await storage.close()
        }
    }

    @Test func aReplayBeginsAtTheOldestEventThatIsKept() async throws {
        let clock = FixedWallClock()
        try await withStorage(configuration: .init(retention: .seconds(60)), clock: clock) { storage in
            _ = try await storage.attach()
            try await storage.emit(1...5)
            var batch = try await storage.claim()
            _ = try await storage.settle(
                SettlementBatch(subscription: "ledger", delivered: batch.deliveries.map(\.sequence)))
            clock.advance(by: 100)
            try await storage.emit(6...8)
            batch = try await storage.claim()
            _ = try await storage.settle(
                SettlementBatch(subscription: "ledger", delivered: batch.deliveries.map(\.sequence)))
            try await storage.trimNow()
            storage.detach()
            let registrations = ["ledger", "replay"].map {
                SubscriptionRegistration(
                    name: $0, types: EventTypeSelection(types: [OrderPlaced.type]), start: .beginning)
            }
            _ = try await storage.attach(registrations) { _ in }
            #expect(try storage.numbers(try await storage.claim("replay")) == [6, 7, 8])
            #expect(try await storage.claim().deliveries.isEmpty)
        }
    }

    @Test func cancellingClaimsWhereverADeliveryWaits() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            try await storage.emit(1...4)
            let claimed = try await storage.claim(limit: 2).deliveries
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger",
                    exceptions: [
                        Settlement(
                            delivery: claimed[0],
                            outcome: .retrying(due: .distantFuture, history: DeliveryHistory(attempts: 1)))
                    ]))
            // Retrying; handed out already; never handed out; not there at all.
            let found = try await storage.claim([1, 2, 4, 99], subscription: "ledger")
            #expect(found.map(\.sequence) == [1, 4])
            #expect(try await storage.claim([1, 4], subscription: "ledger").isEmpty)
            #expect(try storage.numbers(try await storage.claim(now: .distantFuture)) == [3])
            await storage.release([1, 4], subscription: "ledger")
            #expect(try storage.numbers(try await storage.claim(now: .distantFuture)) == [1, 4])
        }
    }
}
#endif

#if SQLite
import AfterCommit
import AfterCommitSQLite
import AfterCommitTesting
import Foundation
import GRDB
import Testing

@Suite(.timeLimit(.minutes(1))) struct OutboxTests {
    private func events(_ pool: DatabasePool) async throws -> Int {
        try await pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM outbox_events") ?? 0 }
    }

    // MARK: Retention

    @Test func deliveredEventsAreForgottenAfterTheRetentionAndOthersStay() async throws {
        let clock = ManualClock()
        try await withStorage(configuration: .init(retention: .seconds(3600)), clock: clock) { storage, pool in
            try await storage.attach()
            try await storage.emit(0..<10)
            let claimed = try await storage.claim().deliveries
            let dead = DeadLetter(
                id: DeliveryID(subscription: "ledger", sequence: claimed[1].sequence), envelope: claimed[1].envelope,
                reason: .exhausted, history: DeliveryHistory(), deadSince: clock.wallClock.now(), blocksKey: false)
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger", delivered: claimed.dropFirst(3).map(\.sequence),
                    exceptions: [Settlement(delivery: claimed[1], outcome: .deadLettered(dead))]))
            clock.advance(by: .seconds(3599))
            try await storage.emit([10])
            #expect(try await events(pool) == 11)
            clock.advance(by: .seconds(61))
            try await storage.emit([11])
            // Two pending ones, a dead letter, and the two that were emitted later.
            #expect(try await events(pool) == 5)
            #expect(try await storage.deadLetters(DeadLetterQuery()).map(\.envelope.id) == [claimed[1].envelope.id])
            #expect(try await storage.deliveries(DeliveryQuery(state: .delivered)).isEmpty)
        }
    }

    @Test func manyAreForgottenAThousandAtATime() async throws {
        let clock = ManualClock()
        try await withStorage(configuration: .init(retention: .zero), clock: clock) { storage, pool in
            try await storage.attach("other", patterns: ["nothing"])
            try await storage.emit(0..<2_500)
            clock.advance(by: .seconds(61))
            for expected in [1_501, 502, 3] {
                try await storage.emit([0])
                #expect(try await events(pool) == expected)
            }
        }
    }

    @Test func aProcessThatOnlyEmitsForgetsNothing() async throws {
        let clock = ManualClock()
        try await withStorage(configuration: .init(retention: .zero), clock: clock) { storage, pool in
            try await storage.emit(0..<5)
            clock.advance(by: .seconds(3600))
            try await storage.emit([5])
            #expect(try await events(pool) == 6)
        }
    }

    // MARK: Room

    @Test func aFullOutboxRefusesEmittersOfAllKindsAndRecovers() async throws {
        try await withStorage(configuration: .init(maxEvents: 100, settleReserve: 20)) { storage, pool in
            try await storage.attach()
            try await storage.emit(0..<80)
            let emits: [() async throws -> Void] = [
                { try await storage.emit([1]) },
                { try await storage.transaction { _ = try $0.emit(OrderPlaced(number: 1)) } },
                { try await pool.write { _ = try $0.emit(OrderPlaced(number: 1), to: storage) } },
                { _ = try await storage.reserveRoom(for: 1) },
            ]
            for emit in emits {
                let error = await #expect(throws: StorageError.self) { try await emit() }
                #expect(error?.code == .storageFull)
            }
            let claimed = try await storage.claim().deliveries
            let emission = try storage.envelopes.emission(
                OrderPlaced(number: 99), options: EmitOptions(), form: .bytes)
            let report = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger", delivered: [claimed[0].sequence],
                    emitted: [.init(by: claimed[0].sequence, emission)]))
            #expect(report.refusedEmissions.isEmpty, "what handlers emit takes the reserve")
            try await storage.settle(claimed.dropFirst().map(\.sequence))
            // What is delivered makes room at once.
            try await storage.emit(0..<79)
            #expect(try await events(pool) == 80)
        }
    }

    // MARK: Damage

    @Test(arguments: [
        "INSERT INTO outbox_events (type, payload, headers) VALUES ('order.placed', '{\"number\":1}', 'nonsense')",
        "INSERT INTO outbox_events (type, payload, headers) VALUES ('order.placed', '{\"number\":1}', '{\"a\":1}')",
        "INSERT INTO outbox_events (id, type, payload) VALUES ('no uuid', 'order.placed', '{\"number\":1}')",
        "INSERT INTO outbox_events (type, payload, schemaversion) VALUES ('order.placed', '{\"number\":1}', 'one')",
        "INSERT INTO outbox_events (type, payload, time) VALUES ('order.placed', '{\"number\":1}', 'yesterday')",
    ])
    func aRowThatCannotBeReadIsHandedOutAsDamagedWithItsBytes(_ insert: String) async throws {
        try await withStorage { storage, pool in
            try await storage.attach()
            try await storage.emit([0])
            try await pool.write { try $0.execute(sql: insert) }
            try await storage.emit([2])
            let claimed = try await storage.claim().deliveries
            #expect(claimed.map(\.isDamaged) == [false, true, false])
            #expect(try claimed[1].envelope.bytes(using: storage.coder) == Data("{\"number\":1}".utf8))
            let dead = DeadLetter(
                id: DeliveryID(subscription: "ledger", sequence: claimed[1].sequence), envelope: claimed[1].envelope,
                reason: .malformed, history: DeliveryHistory(), deadSince: Date(timeIntervalSince1970: 0),
                blocksKey: false)
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger", delivered: [claimed[0].sequence, claimed[2].sequence],
                    exceptions: [Settlement(delivery: claimed[1], outcome: .deadLettered(dead))]))
            let letters = try await storage.deadLetters(DeadLetterQuery())
            #expect(letters.map(\.reason) == [.malformed])
            #expect(try letters.first?.envelope.bytes(using: storage.coder) == Data("{\"number\":1}".utf8))
        }
    }

    @Test func anEventOrAHistoryThatIsGoneStopsNobody() async throws {
        try await withStorage { storage, pool in
            try await storage.attach()
            try await storage.emit(0..<3)
            try await pool.write { db in
                try db.execute(sql: "DELETE FROM outbox_events WHERE sequence = 1")
                try db.execute(
                    sql: "UPDATE outbox_deliveries SET state = 'retrying', due = 0, detail = '{' WHERE sequence = 2")
            }
            let claimed = try await storage.claim(now: Date(timeIntervalSince1970: 1)).deliveries
            #expect(claimed.map(\.sequence) == [2, 1, 3])
            #expect(claimed.map(\.isDamaged) == [true, true, false])
        }
    }

    // MARK: Places

    @Test func aNewSubscriptionBeginsWithWhatIsKept() async throws {
        try await withStorage { storage, _ in
            try await storage.emit(0..<5)
            try await storage.attach("now")
            storage.detach()
            try await storage.attach("all", start: .beginning)
            #expect(try await storage.claimNumbers("all") == [0, 1, 2, 3, 4])
            storage.detach()
            try await storage.attach("now", start: .beginning)
            #expect(try await storage.claimNumbers("now") == [], "it has its place")
        }
    }

    @Test func anOrphanIsCutBeforeEmittersAreRefused() async throws {
        try await withStorage(configuration: .init(maxEvents: 100, settleReserve: 0)) { storage, _ in
            try await storage.attach("gone")
            storage.detach()
            try await storage.attach("live")
            for round in 0..<10 {
                try await storage.emit(round * 30..<round * 30 + 30)
                let claimed = try await storage.claim("live").deliveries
                #expect(claimed.count == 30)
                try await storage.settle(claimed.map(\.sequence), "live")
            }
            #expect(try await storage.counts(subscription: "gone").pending < 100)
        }
    }
}
#endif

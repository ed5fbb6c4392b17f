#if LMDB
import AfterCommit
import Foundation
import Logging
import Synchronization
import Testing

@testable import AfterCommitLMDB

@Suite(.timeLimit(.minutes(1))) struct StatusColumnDeliveryTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    @Test func theEventIsMadeOfTheRowAsItIsAtTheClaim() async throws {
        try await withStatusStorage { storage in
            _ = try await storage.attach()
            let id = try await storage.transaction { tx in
                try tx.put(Order(number: 1, total: 1), for: 1, in: orders)
                return try tx.emit(OrderPlaced(number: 1, key: "a", filler: "never stored"), headers: ["tenant": "b"])
            }
            try await storage.put(1, total: 2)
            var claimed = try await storage.claim()
            #expect(try storage.events(claimed).map(\.filler) == ["2.0"])
            let envelope = claimed.deliveries[0].envelope
            #expect(envelope.id == id && envelope.orderingKey == "a" && envelope.headers == ["tenant": "b"])
            #expect(envelope.contentType == storage.coder.contentType && envelope.type == OrderPlaced.type)
            try await storage.settle(claimed.deliveries[0], .retrying(due: now, history: failed(1)))
            #expect(
                try await storage.status(1)
                    == RowStatus(state: .pending, eventID: id, attempts: 1, due: now, lastError: "no answer"))
            try await storage.put(1, total: 3)
            claimed = try await storage.claim(now: now)
            try #require(try storage.events(claimed).map(\.filler) == ["3.0"])
            #expect(claimed.deliveries[0].history == failed(1))
            try await storage.settle(delivered: [claimed.deliveries[0].sequence])
            #expect(try await storage.status(1) == RowStatus(state: .succeeded, eventID: id, attempts: 1))
            #expect(try await storage.read { try $0.value(for: 1, in: orders)?.total } == 3)
            #expect(try await storage.claim(now: now).deliveries.isEmpty)
        }
    }

    @Test func aRowWhoseEventIsSettledEmitsAgain() async throws {
        try await withStatusStorage { storage in
            _ = try await storage.attach()
            try await storage.place([1, 2])
            let claimed = try await storage.claim().deliveries
            try await storage.settle(delivered: [claimed[0].sequence])
            try await storage.die(claimed[1])
            #expect(try await storage.status(2)?.state == .failed)
            #expect(try await storage.status(2)?.lastError == "no answer")
            try await storage.place([1, 2])
            #expect(
                try await storage.status(2)
                    == RowStatus(state: .pending, eventID: try #require(storage.status(2)).eventID))
            let again = try await storage.claim().deliveries
            #expect(again.count == 2)
            #expect(Set(again.map(\.envelope.id)).isDisjoint(with: claimed.map(\.envelope.id)))
            // The dead letter is of an event that the row has no more.
            let dead = DeliveryID(subscription: "ledger", sequence: claimed[1].sequence)
            #expect(try await storage.redrive([dead]).isEmpty)
            #expect(try await storage.deleteDeadLetters([dead]) == [dead])
            #expect(try await storage.status(2)?.state == .pending)
        }
    }

    @Test func aDeadLetterIsRedrivenAsItsRowIs() async throws {
        try await withStatusStorage { storage in
            _ = try await storage.attach()
            try await storage.place([1, 2])
            let claimed = try await storage.claim().deliveries
            for delivery in claimed { try await storage.die(delivery, failed(4)) }
            let letters = try await storage.deadLetters(DeadLetterQuery())
            let kept = try storage.coder.decode(
                OrderPlaced.self, from: letters[0].envelope.bytes(using: storage.coder))
            #expect(kept == OrderPlaced(number: 1, key: nil, filler: "1.0"))
            try await storage.put(1, total: 7)
            #expect(try await storage.redrive([letters[0].id]) == [letters[0].id])
            let status = try #require(try await storage.status(1))
            #expect(status.state == .pending && status.attempts == 0 && status.replayCount == 1 && status.due == now)
            let again = try await storage.claim(now: now)
            #expect(try storage.events(again).map(\.filler) == ["7.0"])
            #expect(again.deliveries[0].history?.replayCount == 1)
            try await storage.settle(delivered: [again.deliveries[0].sequence])
            #expect(try await storage.status(1)?.state == .succeeded)
            #expect(try await storage.status(1)?.replayCount == 1)
            // Deleted, it stays failed, and may emit again.
            #expect(try await storage.deleteDeadLetters([letters[1].id]) == [letters[1].id])
            #expect(try await storage.status(2)?.state == .failed)
            try await storage.place([2])
            #expect(try await storage.check().damages.isEmpty)
        }
    }

    @Test func parkedAndBlockedRowsArePending() async throws {
        try await withStatusStorage { storage in
            _ = try await storage.attach()
            try await storage.place([1, 2], key: "a")
            let claimed = try await storage.claim().deliveries
            try await storage.settle(claimed[0], .parked(history: failed(2)))
            try await storage.settle(claimed[1], .blocked)
            #expect(try await storage.status(1)?.attempts == 2)
            #expect(try await storage.status(1)?.state == .pending)
            #expect(try await storage.status(2)?.state == .pending)
            try await storage.put(2, total: 8)
            let blocked = try await storage.claimBlocked(subscription: "ledger", orderingKeys: ["a"], limitPerKey: 9)
            #expect(blocked["a"]?.map(\.sequence) == [claimed[1].sequence])
            #expect(try storage.events(ClaimedBatch(deliveries: blocked["a"] ?? [])).map(\.filler) == ["8.0"])
            #expect(try await storage.check().damages.isEmpty)
        }
    }

    @Test func aRowThatIsRemovedTakesItsEventWithIt() async throws {
        try await withStatusStorage { storage in
            _ = try await storage.attach()
            try await storage.place([1, 2, 3, 4], key: "a")
            let claimed = try await storage.claim(limit: 3).deliveries
            try await storage.settle(claimed[0], .retrying(due: now, history: failed(1)))
            try await storage.settle(claimed[1], .blocked)
            try await storage.transaction { tx in
                for number in 1...4 { _ = try tx.removeValue(for: UInt64(number), in: orders) }
            }
            // In flight: there is nothing to mark.
            try await storage.settle(delivered: [claimed[2].sequence])
            #expect(try await storage.status(3) == nil)
            let due = try await storage.claim(now: now).deliveries
            #expect(due.map(\.sequence) == [claimed[0].sequence] && due[0].isGone, "the new one is passed over")
            let blocked =
                try await storage.claimBlocked(
                    subscription: "ledger", orderingKeys: ["a"], limitPerKey: 9)["a"] ?? []
            #expect(blocked.map(\.isGone) == [true])
            // A row of the same key is another one.
            try await storage.put(1, total: 1)
            #expect(try await storage.status(1) == nil)
            try await storage.place([1])
            #expect(try await storage.claim(now: now).deliveries.map(\.isGone) == [false])
        }
    }

    @Test func aRowThatComesBackHasItsOwnEventOnly() async throws {
        try await withStatusStorage { storage in
            _ = try await storage.attach()
            try await storage.place([1])
            _ = try await storage.transaction { try $0.removeValue(for: UInt64(1), in: orders) }
            try await storage.place([1, 2])
            let claimed = try await storage.claim().deliveries
            #expect(try claimed.map(\.envelope.id).first == #require(await storage.status(1)).eventID)
            #expect(claimed.count == 2, "the first event went with the first row")
            try await storage.settle(claimed[1], .retrying(due: now, history: failed(1)))
            _ = try await storage.transaction { try $0.removeValue(for: UInt64(2), in: orders) }
            try await storage.place([2])
            let due = try await storage.claim(now: now).deliveries
            #expect(due.map(\.isGone) == [true, false])
            try await storage.settle(delivered: due.map(\.sequence))
            #expect(try await storage.status(2)?.state == .succeeded)
        }
    }

    @Test func anEngineSettlesWhatIsGoneAndGoesOn() async throws {
        try await withStatusStorage { storage in
            _ = try await storage.attach()
            try await storage.place([1, 2], key: "a")
            let claimed = try await storage.claim().deliveries
            try await storage.settle(claimed[0], .retrying(due: now - 1, history: failed(1)))
            try await storage.settle(claimed[1], .blocked)
            storage.detach()
            _ = try await storage.transaction { try $0.removeValue(for: UInt64(1), in: orders) }
            let told = Told()
            let engine = try await EventEngine(
                storage: storage, logger: quiet, wallClock: FixedWallClock(now),
                subscriptions: [
                    Subscription("ledger", to: OrderPlaced.self) { event, _ in told.add(event.number) }
                ])
            try await engine.drain()
            #expect(told.numbers == [2])
            #expect(try await storage.status(2)?.state == .succeeded)
            #expect(try await storage.deadLetters(DeadLetterQuery()).isEmpty)
            #expect(try await storage.counts(subscription: "ledger").pending == 0)
        }
    }

    @Test func aRowThatMakesNoEventIsADeadLetterWithItsBytes() async throws {
        try await withStatusStorage { storage in
            try await storage.place([1], total: -1)
            try await storage.place([2])
            let told = Told()
            func engine() async throws -> EventEngine {
                try await EventEngine(
                    storage: storage, logger: quiet, wallClock: FixedWallClock(now),
                    subscriptions: [
                        Subscription("ledger", to: OrderPlaced.self) { event, _ in told.add(event.number) }
                    ])
            }
            let first = try await engine()
            try await first.drain()
            #expect(told.numbers == [2], "the others go on")
            let letter = try #require(try await storage.deadLetters(DeadLetterQuery()).first)
            #expect(letter.reason == .malformed)
            let row = try JSONDecoder().decode(Order.self, from: letter.envelope.bytes(using: storage.coder))
            #expect(row == Order(number: 1, total: -1))
            #expect(letter.envelope.contentType == "application/octet-stream")
            #expect(try await storage.status(1)?.state == .failed)
            #expect(try await storage.status(1)?.lastError?.contains("Refusal") == true)
            // Mended, it is redriven.
            try await storage.put(1, total: 1)
            #expect(try await first.redrive([letter.id]) == [letter.id])
            try await first.drain()
            #expect(told.numbers == [2, 1])
            #expect(try await storage.status(1)?.state == .succeeded)
        }
    }

    @Test func anEventThatCannotBeEncodedIsKeptAsItsRow() async throws {
        let numbers = Table<UInt64, Data>.raw("numbers")
        let events = LMDBStorage.Events.statusColumn(
            numbers, key: { (event: Measured) in event.id }, rebuild: { id, _ in Measured(id: id, value: .nan) })
        try await withStorePath { path in
            let storage = try openStatus(path, events: events)
            _ = try await storage.attach(types: [Measured.type])
            try await storage.transaction { tx in
                try tx.put(Data("row".utf8), for: 1, in: numbers)
                try tx.emit(Measured(id: 1, value: 0))
            }
            let claimed = try await storage.claim().deliveries
            try await storage.die(claimed[0])
            let letter = try #require(try await storage.deadLetters(DeadLetterQuery()).first)
            #expect(try letter.envelope.bytes(using: storage.coder) == Data("row".utf8))
            #expect(try await storage.status(of: 1, in: numbers)?.state == .failed)
            await storage.close()
        }
    }

    @Test func aDamagedRowIsADeadLetterAndIsNotWrittenOver() async throws {
        try await withStatusStorage { storage in
            _ = try await storage.attach()
            try await storage.place([1, 2])
            let database = try #require(storage.context.handles.snapshot["orders"])
            try await storage.damage(Array(UInt64(1).tableKeyBytes), in: { _ in database })
            let claimed = try await storage.claim().deliveries
            #expect(claimed.map(\.isDamaged) == [true, false])
            guard case .bytes(let bytes) = claimed[0].envelope.payload else { throw Refusal() }
            #expect(bytes.count > Record.headerBytes)
            try await storage.die(claimed[0])
            let error = await #expect(throws: StorageError.self) { try await storage.put(1, total: 2) }
            #expect(error?.code == .corrupted)
            try await storage.transaction { tx in
                try tx.removeValue(for: UInt64(1), in: orders)
                try tx.put(Order(number: 1, total: 1), for: 1, in: orders)
                try tx.emit(OrderPlaced(number: 1))
            }
            #expect(try await storage.status(1)?.state == .pending)
        }
    }

    @Test func aRowWhoseLogRecordWasDamagedMayEmitAgain() async throws {
        try await withStatusStorage { storage in
            _ = try await storage.attach()
            try await storage.place([1])
            try await storage.damageLogged(1)
            let claimed = try await storage.claim().deliveries
            #expect(claimed.map(\.isDamaged) == [true])
            try await storage.die(claimed[0])
            #expect(try await storage.check().damages.map(\.place).contains("log"))
            try await storage.place([1])
            #expect(try await storage.events(storage.claim()).map(\.number) == [1])
        }
    }

    @Test func inspectionShowsTheEventAsTheRowIsNow() async throws {
        try await withStatusStorage { storage in
            _ = try await storage.attach()
            try await storage.place([1, 2, 3])
            let claimed = try await storage.claim().deliveries
            try await storage.settle(delivered: [claimed[0].sequence])
            try await storage.settle(claimed[1], .retrying(due: now, history: failed(1)))
            try await storage.transaction { tx in
                for number in 1...2 { try tx.put(Order(number: number, total: 4), for: UInt64(number), in: orders) }
                try tx.removeValue(for: UInt64(3), in: orders)
            }
            let records = try await storage.deliveries(DeliveryQuery(subscription: "ledger"))
            #expect(records.map(\.state) == [.delivered, .retrying, .pending])
            for record in records.prefix(2) {
                let event = try storage.coder.decode(
                    OrderPlaced.self, from: record.envelope.bytes(using: storage.coder))
                #expect(event.filler == "4.0")
            }
        }
    }
}

private final class Told: Sendable {
    private let told = Mutex<[Int]>([])
    var numbers: [Int] { told.withLock { $0 } }
    func add(_ number: Int) { told.withLock { $0.append(number) } }
}

private struct Measured: Event {
    static let type: EventType = "measured"
    var id: UInt64
    var value: Double
}
#endif

#if LMDB
import AfterCommit
import Foundation
import TestSupport
import Testing

@testable import AfterCommitLMDB

@Suite(.timeLimit(.minutes(1))) struct StatusColumnStoreTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func refusal(_ open: () throws -> LMDBStorage) -> StorageError? {
        #expect(throws: StorageError.self) { try open() }
    }

    // MARK: History

    @Test func theColumnNeverDeliversHistory() async throws {
        try await withStorePath { path in
            // A store that had an outbox, with rows and a delivered event that is retained.
            var storage = try open(path)
            _ = try await storage.attach()
            try await storage.put(1, total: 1)
            try await storage.emit([1])
            try await storage.settle(delivered: [storage.claim().deliveries[0].sequence])
            try await storage.put(2, total: 2)
            await storage.close()
            storage = try openStatus(path)
            _ = try await storage.attach()
            #expect(try await storage.claim().deliveries.isEmpty)
            #expect(try await storage.status(1) == nil)
            storage.detach()
            // Nor does a new subscription get it, or what the column has settled.
            _ = try await storage.attach()
            try await storage.place([2])
            try await storage.settle(delivered: [storage.claim().deliveries[0].sequence])
            storage.detach()
            _ = try await storage.removeSubscription("ledger")
            _ = try await storage.attach(
                [
                    SubscriptionRegistration(
                        name: "other", types: EventTypeSelection(types: [OrderPlaced.type]), start: .beginning)
                ],
                wake: { _ in })
            #expect(try await storage.claim("other").deliveries.isEmpty)
            await storage.close()
        }
    }

    // MARK: Subscriptions

    @Test func theColumnHasOneSubscription() async throws {
        try await withStatusStorage { storage in
            func attach(_ names: [String], types: EventTypeSelection = EventTypeSelection(types: [OrderPlaced.type]))
                async throws
            {
                _ = try await storage.attach(
                    names.map { SubscriptionRegistration(name: $0, types: types) }, wake: { _ in })
            }
            func refusal(_ body: () async throws -> Void) async -> StorageError.Code? {
                await code(#expect(throws: StorageError.self) { try await body() })
            }
            #expect(await refusal { try await attach(["a", "b"]) } == .needsOutbox)
            #expect(
                await refusal { try await attach(["a"], types: EventTypeSelection(types: [OrderShipped.type])) }
                    == .needsOutbox)
            #expect(await refusal { try await attach(["a"], types: EventTypeSelection(["order.*"])) } == .needsOutbox)
            #expect(try await storage.registeredSubscriptions().isEmpty)
            try await attach(["a"])
            storage.detach()
            #expect(await refusal { try await attach(["b"]) } == .needsOutbox)
            try await attach([])
            storage.detach()
            try await attach(["a"])
        }
    }

    @Test func aSubscriptionGetsWhatIsPendingWheneverItComes() async throws {
        let clock = FixedWallClock()
        try await withStatusStorage(configuration: .init(retention: .seconds(60)), clock: clock) { storage in
            try await storage.place(1...4)
            clock.advance(by: 100)
            try await storage.place([5])
            // Nobody delivers yet, and nothing is forgotten.
            try await storage.trimNow()
            _ = try await storage.attach()
            let claimed = try await storage.claim().deliveries
            try #require(claimed.count == 5)
            try await storage.settle(delivered: [claimed[0].sequence, claimed[2].sequence])
            try await storage.settle(claimed[1], .retrying(due: now, history: failed(1)))
            try await storage.die(claimed[3])
            try await storage.settle(delivered: [claimed[4].sequence])
            // Now the log forgets them, and the exception has the reference.
            clock.advance(by: 100)
            try await storage.place([6])
            try await storage.trimNow()
            #expect(try await storage.entries(of: \.log) == 1)
            #expect(try await storage.claim(now: .distantFuture).deliveries.map(\.sequence) == [2, 6])
            #expect(try await storage.check().damages.isEmpty)
            storage.detach()
            _ = try await storage.removeSubscription("ledger")
            #expect(try await storage.check().damages.isEmpty)
            #expect(try await storage.status(2)?.state == .pending)
            #expect(try await storage.status(2)?.attempts == 0)
            #expect(try await storage.status(4)?.state == .failed)
            _ = try await storage.attach("new")
            #expect(try await storage.events(storage.claim("new")).map(\.number).sorted() == [2, 6])
        }
    }

    @Test func whatWasTrimmedIsRedriven() async throws {
        let clock = FixedWallClock()
        try await withStatusStorage(configuration: .init(retention: .seconds(60)), clock: clock) { storage in
            _ = try await storage.attach()
            try await storage.place(1...2)
            let claimed = try await storage.claim().deliveries
            try await storage.die(claimed[0])
            try await storage.settle(claimed[1], .retrying(due: now, history: failed(1)))
            clock.advance(by: 100)
            try await storage.place([3])
            try await storage.settle(delivered: storage.claim().deliveries.map(\.sequence))
            try await storage.trimNow()
            #expect(try await storage.entries(of: \.log) == 1)
            try await storage.put(1, total: 5)
            let letter = try #require(try await storage.deadLetters(DeadLetterQuery()).first)
            #expect(try await storage.redrive([letter.id]) == [letter.id])
            let again = try await storage.claim(now: .distantFuture)
            #expect(try storage.events(again).sorted { $0.number < $1.number }.map(\.filler) == ["5.0", "1.0"])
            for delivery in again.deliveries {
                try await storage.settle(delivery, .retrying(due: now, history: failed(2)))
            }
            #expect(try await storage.status(2)?.attempts == 2)
            let last = try await storage.claim(now: .distantFuture).deliveries
            try await storage.settle(delivered: last.map(\.sequence))
            #expect(try await storage.status(1)?.state == .succeeded)
            #expect(try await storage.status(2)?.state == .succeeded)
            #expect(try await storage.check().damages.isEmpty)
        }
    }

    // MARK: Where the events are

    @Test func aStoreWithUnsettledEventsIsNotOpenedOtherwise() async throws {
        try await withStorePath { path in
            var storage = try open(path)
            #expect(try await storage.check().format == StoreFormat.current)
            _ = try await storage.attach()
            try await storage.emit([1])
            await storage.close()
            #expect(refusal { try openStatus(path) }?.code == .unsettledEvents)
            storage = try open(path)
            _ = try await storage.attach()
            let claimed = try await storage.claim().deliveries
            try await storage.die(claimed[0])
            await storage.close()
            #expect(refusal { try openStatus(path) }?.message.contains("dead letters") == true)
            storage = try open(path)
            _ = try await storage.deleteDeadLetters([DeliveryID(subscription: "ledger", sequence: 1)])
            await storage.close()
            storage = try openStatus(path)
            #expect(try await storage.check().format == StoreFormat.withStatusColumn)
            try await storage.place([1])
            await storage.close()
            // The reverse, and another column.
            #expect(refusal { try open(path) }?.code == .unsettledEvents)
            let other = LMDBStorage.Events.statusColumn(
                Table<UInt64, Order>("parcels"), key: { (event: OrderPlaced) in UInt64(event.number) },
                rebuild: { id, _ in OrderPlaced(number: Int(id)) })
            #expect(refusal { try openStatus(path, events: other) }?.code == .unsettledEvents)
            storage = try openStatus(path)
            _ = try await storage.attach()
            #expect(try await storage.events(storage.claim()).map(\.number) == [1])
            try await storage.settle(delivered: [2])
            await storage.close()
            storage = try open(path)
            #expect(try await storage.read { try $0.value(for: 1, in: orders)?.number } == 1)
            _ = try await storage.attach()
            try await storage.emit([7])
            #expect(try await storage.numbers(storage.claim()) == [7])
            await storage.close()
        }
    }

    @Test func delayedEventsKeepAnOutbox() async throws {
        try await withStorePath { path in
            let storage = try open(path)
            try await storage.emit(OrderPlaced(number: 1), options: EmitOptions(deliverAt: .distantFuture))
            await storage.close()
            #expect(refusal { try openStatus(path) }?.message.contains("delayed events") == true)
        }
    }

    @Test func anotherProcessKeepsTheStoreAsItIs() async throws {
        try await withStorePath { path in
            let other = try Probe("attach", path)
            #expect(await other.tells("attached"))
            let error = refusal { try openStatus(path) }
            #expect(error?.code == .storeBusy && error?.processID == other.id)
            try other.endInput()
            #expect(await other.end() == 0)
            let storage = try openStatus(path)
            await storage.close()
        }
    }

    @Test func aTableOfOtherTypesIsRefusedAtOpening() async throws {
        try await withStorePath { path in
            let reserved = LMDBStorage.Events.statusColumn(
                Table<UInt64, Order>("aftercommit.orders"), key: { (event: OrderPlaced) in UInt64(event.number) },
                rebuild: { id, _ in OrderPlaced(number: Int(id)) })
            #expect(refusal { try openStatus(path, events: reserved) }?.code == .invalidTable)
            await (try open(path)).close()
            #expect(refusal { try openStatus(path, events: reserved) }?.code == .invalidTable)
            #expect(try await LMDBStorage.check(path: path).format == StoreFormat.current, "nothing was noted")
            let storage = try openStatus(path)
            let wrong = Table<String, Order>("orders")
            let error = await #expect(throws: StorageError.self) {
                try await storage.transaction { try $0.put(Order(number: 1, total: 1), for: "1", in: wrong) }
            }
            #expect(error?.code == .invalidTable)
            await storage.close()
        }
    }
}
#endif

#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Testing

/// What waits behind its key goes on, however claims and settlements meet.
@Suite struct KeyOrderTests {
    private static let registration = SubscriptionRegistration(
        name: "test", types: EventTypeSelection(types: [OrderPlaced.type]))

    private func claim(_ relay: PostgresStorage) async throws -> [ClaimedDelivery] {
        try await relay.claim(ClaimRequest(subscription: "test", limit: 10, now: Date())).deliveries
    }

    private func relays(
        _ database: TestDatabase, _ configuration: PostgresStorage.Configuration = .init()
    ) async throws -> (PostgresStorage, PostgresStorage) {
        let relays = (try await database.storage(configuration: configuration), try await database.storage())
        _ = try await relays.0.attach([Self.registration]) { _ in }
        _ = try await relays.1.attach([Self.registration]) { _ in }
        #expect(try await relays.0.areActive())
        return relays
    }

    private func skipped(_ delivery: ClaimedDelivery) -> Settlement {
        let letter = DeadLetter(
            id: DeliveryID(subscription: "test", sequence: delivery.sequence), envelope: delivery.envelope,
            reason: .exhausted, history: DeliveryHistory(), deadSince: Date(), blocksKey: false)
        return Settlement(delivery: delivery, outcome: .deadLettered(letter))
    }

    /// Whoever looks next gets what is behind the key's head, which has been settled.
    private func expectNext(
        _ number: Int, _ relays: (PostgresStorage, PostgresStorage), alreadyFound found: [ClaimedDelivery] = []
    ) async throws {
        let next = try await found + claim(relays.1) + claim(relays.0)
        #expect(try next.map { try $0.number } == [number])
        await relays.0.close()
        await relays.1.close()
    }

    @Test func aHeadThatIsSkippedWhileAnotherRelayLooksBlocksNobody() async throws {
        let database = try await TestDatabase()
        let relays = try await relays(database)
        try await relays.0.emit(OrderPlaced(number: 0, orderingKey: "key"))
        let head = try #require(try await claim(relays.0).first)
        try await relays.0.emit(OrderPlaced(number: 1, orderingKey: "key"))
        // It has found what blocks the second, and not locked it yet.
        let pause = try await database.pause("outbox_claim", before: "held := ARRAY(")
        let looking = Task { try await self.claim(relays.1) }
        #expect(try await database.areWaiting(1))
        _ = try await relays.0.settle(SettlementBatch(subscription: "test", exceptions: [skipped(head)]))
        try await pause.end()
        try await expectNext(1, relays, alreadyFound: try await looking.value)
    }

    @Test func aHeadThatIsSkippedWhileAnotherRelayStoresWhatWaitsBlocksNobody() async throws {
        let database = try await TestDatabase()
        let relays = try await relays(database)
        try await relays.0.emit(contentsOf: (0..<2).map { OrderPlaced(number: $0, orderingKey: "key") })
        let claimed = try await claim(relays.0)
        let waiter = try #require(claimed.last)
        _ = try await relays.0.settle(
            SettlementBatch(
                subscription: "test",
                exceptions: [
                    Settlement(
                        delivery: claimed[0], outcome: .retrying(due: .distantPast, history: DeliveryHistory()))
                ]))
        let head = try #require(try await claim(relays.1).first)
        // The one settles the head as dead, and has not committed; the other stores what waited behind it.
        let pause = try await database.pause("outbox_settle", before: "settled := settled || more;")
        let skipping = Task {
            try await relays.1.settle(SettlementBatch(subscription: "test", exceptions: [self.skipped(head)]))
        }
        #expect(try await database.areWaiting(1))
        let blocking = Task {
            try await relays.0.settle(
                SettlementBatch(
                    subscription: "test", exceptions: [Settlement(delivery: waiter, outcome: .blocked)]))
        }
        #expect(try await database.areWaiting(2))
        try await pause.end()
        #expect(try await skipping.value.stale.isEmpty)
        #expect(try await blocking.value.stale.isEmpty)
        try await expectNext(1, relays)
    }

    /// The settlement's snapshot is older than what a claim stores that had the row locked.
    @Test(arguments: [PostgresStorage.Isolation.readCommitted, .repeatableRead, .serializable])
    func aTransactionWithAnOldSnapshotLetsThoseBehindItGoOn(isolation: PostgresStorage.Isolation) async throws {
        let database = try await TestDatabase()
        let relays = try await relays(database, .init(isolation: isolation))
        try await whileAClaimStoresWhatWaits(relays, database) { head in
            _ = try await relays.0.transaction(settling: DeliveryID(subscription: "test", sequence: head.sequence)) {
                try $0.execute("SELECT 1")
            }
        }
    }

    @Test func nothingIsStoredAsBlockedBehindOneThatIsSettledWithAnOldSnapshot() async throws {
        let database = try await TestDatabase()
        let relays = try await relays(database)
        try await relays.0.emit(contentsOf: (0..<2).map { OrderPlaced(number: $0, orderingKey: "key") })
        let claimed = try await claim(relays.0)
        let id = DeliveryID(subscription: "test", sequence: claimed[0].sequence)
        try await relays.0.pool.run { try relays.0.queue.beginSettling(id, in: $0) }
        _ = try await relays.0.settle(
            SettlementBatch(
                subscription: "test", exceptions: [Settlement(delivery: claimed[1], outcome: .blocked)]))
        try await relays.0.emit(OrderPlaced(number: 2, orderingKey: "key"))
        #expect(try await claim(relays.1).isEmpty)
        let states = try await database.run { session in
            try session.execute("SELECT state::text FROM outbox_deliveries ORDER BY sequence").map { try $0.text(0) }
        }
        #expect(states == ["ready", "ready", "ready"])
        await relays.0.close()
        await relays.1.close()
    }

    @Test func aDatabaseWhoseDefaultIsAnotherIsolationChangesNothing() async throws {
        let database = try await TestDatabase()
        try await database.run { [name = database.name] session in
            _ = try session.execute("ALTER DATABASE \(name) SET default_transaction_isolation = 'repeatable read'")
        }
        let relays = try await relays(database)
        try await whileAClaimStoresWhatWaits(relays, database) { head in
            _ = try await relays.0.settle(SettlementBatch(subscription: "test", delivered: [head.sequence]))
        }
    }

    private func whileAClaimStoresWhatWaits(
        _ relays: (PostgresStorage, PostgresStorage), _ database: TestDatabase,
        settle: @escaping @Sendable (ClaimedDelivery) async throws -> Void
    ) async throws {
        try await relays.0.emit(OrderPlaced(number: 0, orderingKey: "key"))
        let head = try #require(try await claim(relays.0).first)
        try await relays.0.emit(OrderPlaced(number: 1, orderingKey: "key"))
        let pause = try await database.pause("outbox_claim", before: "UPDATE outbox_deliveries d SET epoch = NULL,")
        let looking = Task { try await self.claim(relays.1) }
        #expect(try await database.areWaiting(1))
        let settling = Task { try await settle(head) }
        #expect(try await database.areWaiting(2))
        try await pause.end()
        let found = try await looking.value
        try await settling.value
        try await expectNext(1, relays, alreadyFound: found)
    }

    /// The storage takes a head whose outcome it was not told for one in hand, and hands out what comes behind it.
    @Test(arguments: [2, 0])
    func whileAnOutcomeCannotBeStoredNothingOvertakesIt(maxRetries: Int) async throws {
        struct Refused: Error {}
        let database = try await TestDatabase()
        let base = try await database.storage()
        let storage = FaultInjectingStorage(base)
        let numbers = Locked<[Int]>([])
        let policy = DeliveryPolicy(maxRetries: maxRetries, backoff: .constant(.milliseconds(1)))
        let subscription = Subscription("test", to: OrderPlaced.self, policy: policy) { event, context in
            numbers.withLock { $0.append(event.number) }
            guard event.number == 0, context.attempt == 1 else { return }
            storage.failSettles(4)
            throw Refused()
        }
        let engine = try await EventEngine(storage: storage, logger: silent, subscriptions: [subscription])
        let running = Task { try await engine.run() }
        try await engine.emit(OrderPlaced(number: 0, orderingKey: "key"))
        #expect(try await eventually { storage.failedCount > 0 })
        try await base.emit(OrderPlaced(number: 1, orderingKey: "key"))
        #expect(try await eventually { storage.failedCount == 4 })
        try await engine.drain()
        #expect(numbers.withLock(\.self) == (maxRetries > 0 ? [0, 0, 1] : [0]))
        running.cancel()
        _ = await running.result
        await base.close()
    }

    @Test(arguments: [PostgresStorage.Isolation.repeatableRead, .serializable])
    func aHandlersTransactionThatFailsIsTriedAgainBeforeThoseBehindIt(
        isolation: PostgresStorage.Isolation
    ) async throws {
        struct Refused: Error {}
        let storage = try await TestDatabase().storage(configuration: .init(isolation: isolation))
        let attempts = Locked<[Int]>([])
        let policy = DeliveryPolicy(backoff: .constant(.milliseconds(20)))
        let subscription = storage.subscription("test", to: OrderPlaced.self, policy: policy) { event, _, context in
            attempts.withLock { $0.append(event.number) }
            if event.number == 0, context.attempt < 3 { throw Refused() }
        }
        try await running(storage, [subscription]) { engine in
            try await storage.emit(contentsOf: (0..<3).map { OrderPlaced(number: $0, orderingKey: "key") })
            try await engine.drain()
            #expect(attempts.withLock(\.self) == [0, 0, 0, 1, 2])
        }
        await storage.close()
    }
}

extension ClaimedDelivery {
    var number: Int {
        get throws {
            try JSONEventCoder().decode(OrderPlaced.self, from: envelope.bytes(using: JSONEventCoder())).number
        }
    }
}

/// Holds up whoever comes to a place in one of the schema's functions.
final class Pause: Sendable {
    static let key = 4711
    private let goOn = Signal()
    private let holding: Task<Void, any Error>

    fileprivate init(_ database: TestDatabase, isHeld: Latch) {
        holding = Task { [goOn] in
            try await database.run { session in
                try session.execute("SELECT pg_advisory_lock(\(Self.key))")
                isHeld.open()
                goOn.wait()
            }
        }
    }

    func end() async throws {
        goOn.raise()
        try await holding.value
    }
}

extension TestDatabase {
    /// From here on until the pause's end, whoever comes to `place` in `function` waits.
    func pause(_ function: String, before place: String) async throws -> Pause {
        try await run { session in
            let source = try session.execute("SELECT pg_get_functiondef($1::regproc)", [.text(function)])
                .first().text(0)
            guard source.ranges(of: place).count == 1 else { throw NothingThrown() }
            let paused = source.replacing(place, with: "PERFORM pg_advisory_xact_lock(\(Pause.key)); \(place)")
            try session.executeScript(paused)
        }
        let isHeld = Latch()
        let pause = Pause(self, isHeld: isHeld)
        await isHeld.wait()
        return pause
    }

    /// Waits until so many of the database's sessions wait for a lock.
    func areWaiting(_ count: Int64) async throws -> Bool {
        try await eventually {
            try await run { [name] session in
                try session.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'",
                    [.text(name)]
                ).first().int64(0) == count
            }
        }
    }
}
#endif

#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Synchronization
import TestSupport
import Testing

/// How a relay gets its lease, keeps it and gives it up.
@Suite(.timeLimit(.minutes(3))) struct RelayLeaseTests {
    static let registration = SubscriptionRegistration(
        name: "test", types: EventTypeSelection(types: [OrderPlaced.type]))
    static let request = ClaimRequest(subscription: "test", limit: 10, now: Date())

    @Test func anEpochIsGivenOnceWhateverTheServerForgets() async throws {
        let server = try await onOwnThread("start-postgres") { try PrivatePostgres() }
        let database = try await TestDatabase(on: server)
        try await database.run { session in
            // What is not flushed is lost with the next crash.
            try session.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
            try session.execute("SELECT pg_reload_conf()")
        }
        let first = try await database.storage()
        let second = try await database.storage()
        try await first.attachWhole([Self.registration])
        let before = try #require(first.relay?.epoch)
        try await onOwnThread("restart") { try server.restart() }
        try await second.attachWhole([Self.registration])
        #expect(try #require(second.relay?.epoch) > before)
        await first.close()
        await second.close()
    }

    @Test func whatAnUnansweredClaimTookIsClaimedAgain() async throws {
        let database = try await TestDatabase()
        let proxy = try CuttingProxy(to: database.url)
        let storage = try await PostgresStorage(PostgresConfiguration(proxy.url, maxConnections: 2))
        let changes = Mutex<[StorageChange]>([])
        try await storage.attachWhole([Self.registration]) { change in changes.withLock { $0.append(change) } }
        try await storage.emit(contentsOf: (0..<3).map { OrderPlaced(number: $0, orderingKey: "key") })
        let before = try #require(storage.relay?.epoch)
        proxy.cut(at: "outbox_claim(", delivering: true)
        let error = await #expect(throws: PostgresError.self) { _ = try await storage.claim(Self.request) }
        #expect(error?.isConnectionLost == true)
        #expect(changes.withLock { $0.contains { $0.contains(.leasesLost) } })
        #expect(try #require(storage.relay?.epoch) > before)
        // One that comes later overtakes none of them.
        try await storage.emit(OrderPlaced(number: 3, orderingKey: "key"))
        #expect(try await storage.claim(Self.request).deliveries.isEmpty, "the engine is told first")
        #expect(try await storage.numbers(storage.claim(Self.request).deliveries) == [0, 1, 2, 3])
        await storage.close()
        proxy.stop()
    }

    @Test func whatAnUnansweredClaimByNumberTookIsClaimedAgain() async throws {
        let database = try await TestDatabase()
        let proxy = try CuttingProxy(to: database.url)
        let storage = try await PostgresStorage(PostgresConfiguration(proxy.url, maxConnections: 2))
        try await storage.attachWhole([Self.registration])
        try await storage.emit(OrderPlaced(number: 1))
        let claimed = try await storage.claim(Self.request).deliveries.map(\.sequence)
        await storage.release(claimed, subscription: "test")
        proxy.cut(at: "AS before FROM outbox_deliveries", delivering: true)
        await #expect(throws: PostgresError.self) { _ = try await storage.claim(claimed, subscription: "test") }
        #expect(try await storage.claim(claimed, subscription: "test").map(\.sequence) == claimed)
        await storage.close()
        proxy.stop()
    }

    /// A second look fails once the first has committed.
    @Test func whatOneLookFoundIsHandedOutAlthoughTheNextFails() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        try await storage.attachWhole([Self.registration])
        try await database.run { session in
            // There must be something to look behind.
            _ = try session.execute("ALTER TABLE outbox_events ALTER COLUMN sequence RESTART WITH 5000").count
        }
        try await storage.emit(contentsOf: (0..<30).map { OrderPlaced(number: $0) })
        let few = ClaimRequest(subscription: "test", limit: 5, now: Date())
        // One that finds all it may looks behind it from now on.
        let claimed = try await storage.claim(few).deliveries
        #expect(claimed.count == 5)
        let relay = try #require(storage.relay)
        // However slow the machine is.
        #expect(relay.beginLook("test", now: .seconds(1_000_000)) == 0)
        relay.endLook("test", found: claimed)
        try await database.run { session in
            // What looks from the beginning fails, as it does in a deadlock.
            try session.executeScript(
                """
                ALTER FUNCTION outbox_claim RENAME TO outbox_claim_real;
                CREATE SEQUENCE looks;
                DO $do$ BEGIN
                    EXECUTE format($sql$
                        CREATE FUNCTION outbox_claim(_subscription integer, _epoch bigint, _now timestamptz, _due integer,
                            _fresh integer, _from bigint)
                        RETURNS %s LANGUAGE plpgsql AS $$
                        BEGIN
                            IF nextval('looks') = 2 THEN RAISE EXCEPTION 'once' USING ERRCODE = '40P01'; END IF;
                            RETURN QUERY SELECT * FROM outbox_claim_real(_subscription, _epoch, _now, _due, _fresh, _from);
                        END $$
                        $sql$, pg_get_function_result('outbox_claim_real'::regproc));
                END $do$;
                """)
        }
        let many = ClaimRequest(subscription: "test", limit: 100, now: Date())
        #expect(try await storage.claim(many).deliveries.count == 25)
        let looks = try await database.run { try $0.execute("SELECT last_value FROM looks").first().int64(0) }
        #expect(looks == 2)
        await storage.close()
    }

    // MARK: Settling

    /// - Parameter isBack: whether the server can be asked at once what became of it.
    @Test(arguments: [true, false])
    func aSettlementWhoseAnswerWasLostIsNotStale(isBack: Bool) async throws {
        let database = try await TestDatabase()
        let proxy = try CuttingProxy(to: database.url)
        let storage = try await PostgresStorage(PostgresConfiguration(proxy.url, maxConnections: 1))
        try await storage.attachWhole([Self.registration])
        try await storage.emit(contentsOf: (0..<3).map { OrderPlaced(number: $0) })
        let claimed = try await storage.claim(Self.request).deliveries
        let sequences = claimed.map(\.sequence)
        let batch = SettlementBatch(
            subscription: "test", delivered: Array(sequences[1...]),
            exceptions: [
                Settlement(
                    delivery: claimed[0],
                    outcome: .retrying(due: Date(timeIntervalSince1970: 4e9), history: DeliveryHistory(attempts: 1)))
            ])
        proxy.cut(at: "outbox_settle(", delivering: true)
        if !isBack {
            proxy.refuse(true)
            await #expect(throws: PostgresError.self) { try await storage.settle(batch) }
            proxy.refuse(false)
        }
        #expect(try await storage.settle(batch).stale == [])
        #expect(try await storage.settle(batch).stale.sorted() == sequences, "told once")
        await storage.close()
        proxy.stop()
    }

    // MARK: Renewing

    @Test func aLeaseIsRenewedWhileEveryConnectionIsBusy() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage(configuration: .init(leaseDuration: .seconds(2)), maxConnections: 1)
        try await storage.attachWhole([Self.registration])
        let (isBusy, mayEnd) = (Latch(), DispatchSemaphore(value: 0))
        async let busy: Void = storage.transaction { _ in
            isBusy.open()
            mayEnd.wait()
        }
        await isBusy.wait()
        func expires() async throws -> Date {
            try await database.run { try $0.execute("SELECT expires FROM outbox_relays").first().timestamp(0) }
        }
        let before = try await expires()
        #expect(try await eventually { try await expires() > before + 2 })
        mayEnd.signal()
        try await busy
        await storage.close()
    }

    @Test func whatIsTakenFromALapsedRelayIsCounted() async throws {
        let database = try await TestDatabase()
        // It does not renew its lease meanwhile.
        let stopped = try await database.storage(configuration: .init(leaseDuration: .seconds(3600)))
        try await stopped.attachWhole([Self.registration])
        try await stopped.emit(contentsOf: (0..<3).map { OrderPlaced(number: $0) })
        #expect(try await stopped.claim(Self.request).deliveries.count == 3)
        #expect(stopped.reclaimedDeliveries == 0)
        try await database.run { session in
            _ = try session.execute("UPDATE outbox_relays SET expires = clock_timestamp() - interval '1 second'").count
        }
        let next = try await database.storage(configuration: .init(leaseDuration: .seconds(2)))
        try await next.attachWhole([Self.registration])
        // Whoever looks first frees all of them.
        #expect(try await eventually { next.reclaimedDeliveries + stopped.reclaimedDeliveries > 0 })
        #expect(next.reclaimedDeliveries + stopped.reclaimedDeliveries == 3)
        await next.close()
        await stopped.close()
    }

    @Test func whatATransactionHasLockedHoldsUpNothingElseOfALapsedRelay() async throws {
        let database = try await TestDatabase()
        // It neither renews its lease meanwhile, nor frees anything itself.
        let stopped = try await database.storage(configuration: .init(leaseDuration: .seconds(3600)))
        try await stopped.attachWhole([Self.registration])
        try await stopped.emit(contentsOf: (0..<3).map { OrderPlaced(number: $0) })
        let first = try #require(try await stopped.claim(Self.request).deliveries.first)
        let (isLocked, mayEnd) = (Latch(), DispatchSemaphore(value: 0))
        struct Undone: Error {}
        let handler = Task {
            try await stopped.transaction(settling: DeliveryID(subscription: "test", sequence: first.sequence)) { _ in
                isLocked.open()
                mayEnd.wait()
                throw Undone()
            }
        }
        await isLocked.wait()
        // The storage itself may reap at any moment.
        func heldAfterReaping() async throws -> Int {
            try await database.run { session in
                try session.execute("SET lock_timeout = '2s'")
                try session.execute("SELECT outbox_reap()")
                return try session.execute("SELECT FROM outbox_deliveries WHERE epoch IS NOT NULL").count
            }
        }
        try await database.run { session in
            _ = try session.execute("UPDATE outbox_relays SET expires = clock_timestamp() - interval '1 second'").count
        }
        #expect(try await eventually { try await heldAfterReaping() == 1 })
        mayEnd.signal()
        await #expect(throws: Undone.self) { try await handler.value }
        #expect(try await eventually { try await heldAfterReaping() == 0 })
        let lapsed = try await database.run { try $0.execute("SELECT FROM outbox_lapsed").count }
        #expect(lapsed == 0)
        await stopped.close()
    }
}

extension PostgresStorage {
    var relay: Relay? { (queue as? PostgresOutbox)?.relay }
}
#endif

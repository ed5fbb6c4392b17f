#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Synchronization
import TestSupport
import Testing

/// The right to deliver from a status column: who has it, and what it keeps others from.
@Suite(.timeLimit(.minutes(2))) struct StatusColumnOwnerTests {
    @Test func aMarkedRowThatSomebodyHasLockedHoldsUpNothing() async throws {
        let database = try await TestDatabase.withOrders()
        let storage = try await database.column(pollInterval: .milliseconds(50))
        try await database.run { _ = try $0.execute("UPDATE orders SET event_status = 'pending'").count }
        let (isLocked, mayEnd) = (Latch(), DispatchSemaphore(value: 0))
        let locking = Task {
            try await database.run { session in
                try session.execute("BEGIN")
                try session.execute("SELECT FROM orders WHERE number = 100 FOR UPDATE")
                isLocked.open()
                mayEnd.wait()
                try session.commit([])
            }
        }
        await isLocked.wait()
        try await storage.attach()
        #expect(try await storage.claimNumbers() == [101])
        mayEnd.signal()
        try await locking.value
        #expect(try await eventually { try await storage.claimNumbers() == [100] })
        await storage.close()
    }

    /// In a container, say, where a server that is started anew has the numbers of the last one.
    @Test func aSessionWhoseProcessHasTheNumberOfTheLastIsAnother() async throws {
        let database = try await TestDatabase.withOrders()
        try await database.run { session in
            // Before the server's own.
            try session.executeScript(
                """
                CREATE FUNCTION pg_stat_get_activity(integer) RETURNS TABLE (pid integer, backend_start timestamptz)
                LANGUAGE sql AS $$ SELECT 4711, a.backend_start FROM pg_catalog.pg_stat_get_activity($1) a $$;
                ALTER DATABASE \(database.name) SET search_path = public, pg_catalog;
                """)
        }
        let storage = try await database.column(pollInterval: .milliseconds(50))
        #expect(try await storage.pool.run(\.process)?.number == 4711)
        try await storage.attach()
        #expect(try await database.holder() != nil)
        try await database.endHolder()
        #expect(try await eventually { try await database.holder() != nil })
        await storage.close()
    }

    @Test func tablesOfOneNameInTwoSchemasHaveTheirOwn() async throws {
        let database = try await TestDatabase()
        try await database.run { session in
            for schema in ["a", "b"] {
                try session.executeScript(
                    "CREATE SCHEMA \(schema); CREATE TABLE \(schema).orders (number bigint PRIMARY KEY)")
            }
        }
        let storages = try await ["a", "b"].asyncMap { schema in
            try await PostgresStorage(
                PostgresConfiguration(database.url, maxConnections: 2, schema: schema), events: TestDatabase.orders)
        }
        for storage in storages { try await storage.attach() }
        for storage in storages { await storage.close() }
    }

    @Test func whatComesLateOverwritesNothingOfTheNextOwners() async throws {
        let database = try await TestDatabase.withOrders()
        let storage = try await database.column()
        try await storage.attach()
        try await storage.transaction { _ = try $0.emit(OrderPlaced(number: 100)) }
        let delivery = try #require(try await storage.claim().first)
        let other = try await database.takeFromHolder()
        let letter = DeadLetter(
            id: DeliveryID(subscription: "ledger", sequence: delivery.sequence), envelope: delivery.envelope,
            reason: .exhausted, history: DeliveryHistory(attempts: 4), deadSince: Date(timeIntervalSince1970: 1),
            blocksKey: false)
        let report = try await storage.settle(
            SettlementBatch(
                subscription: "ledger", exceptions: [Settlement(delivery: delivery, outcome: .deadLettered(letter))]))
        #expect(report.stale == [delivery.sequence])
        #expect(try await storage.state(100) == .pending)
        await other.close()
        await storage.close()
    }
}
#endif

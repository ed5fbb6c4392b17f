#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Testing

/// Subscriptions that are forgotten while others deliver or insert.
@Suite struct RemovalTests {
    private let registration = SubscriptionRegistration(name: "test", types: ["order.placed"])

    @Test func whatAnIdleRelayDeliversIsNotForgotten() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let idle = try await database.storage()
        _ = try await idle.attach([registration]) { _ in }
        _ = try await storage.attach([SubscriptionRegistration(name: "other", types: ["order.placed"])]) { _ in }
        let error = await #expect(throws: StorageError.self) { try await storage.removeSubscription("test") }
        #expect(error?.code == .storeBusy)
        await idle.close()
        #expect(try await storage.removeSubscription("test") == DeliveryCounts())
        #expect(try await storage.registeredSubscriptions() == ["other"])
        await storage.close()
    }

    @Test func whatOpenTransactionsStoreForItIsPruned() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage(
            configuration: .init(retention: .zero, pruneInterval: .milliseconds(20)))
        let other = SubscriptionRegistration(name: "other", types: ["order.paid"])
        _ = try await storage.attach([registration, other]) { _ in }
        #expect(try await storage.areActive())
        storage.detach()
        try await storage.emit(OrderPlaced(number: 1))
        let hasInserted = Latch()
        let goOn = Signal()
        let writing = Task {
            try await database.run { session in
                try session.execute("BEGIN")
                try session.execute(
                    """
                    INSERT INTO outbox_events (aggregatetype, aggregateid, type) VALUES ('order', '1', 'order.placed')
                    """)
                hasInserted.open()
                goOn.wait()
                try session.commit([])
            }
        }
        await hasInserted.wait()
        #expect(try await storage.removeSubscription("test")?.pending == 1)
        _ = try await storage.attach([other]) { _ in }
        func isEmpty(_ table: String) async throws -> Bool {
            try await database.run { try $0.execute("SELECT FROM \(table)").isEmpty }
        }
        // It is kept in mind for as long as something may come.
        #expect(try await !isEmpty("outbox_removed"))
        goOn.raise()
        try await writing.value
        let isPruned = try await eventually {
            var areEmpty = true
            for table in ["outbox_deliveries", "outbox_events", "outbox_removed"] {
                areEmpty = try await isEmpty(table) && areEmpty
            }
            return areEmpty
        }
        #expect(isPruned)
        await storage.close()
    }

    @Test func anEngineWhoseSubscriptionIsGoneEnds() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let handler = RecordingHandler<OrderPlaced>()
        let engine = try await EventEngine(
            storage: storage, logger: silent,
            subscriptions: [Subscription("test", to: OrderPlaced.self) { try await handler($0, $1) }])
        let running = Task { try await engine.run() }
        try await engine.emit(OrderPlaced(number: 1))
        await handler.waitForCalls(1)
        try await database.run { _ = try $0.execute("DELETE FROM outbox_subscriptions") }
        let error = await #expect(throws: StorageError.self) { try await running.value }
        #expect(error?.code == .closed)
        #expect(error.map { "\($0)".contains("test was removed") } == true)
        await storage.close()
    }
}
#endif

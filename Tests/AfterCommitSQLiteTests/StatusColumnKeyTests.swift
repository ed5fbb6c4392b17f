#if SQLite
import AfterCommit
import AfterCommitSQLite
import AfterCommitTesting
import Foundation
import GRDB
import Logging
import Testing

/// Keys whose rows change under the engine, and rows that were changed by hand.
@Suite(.timeLimit(.minutes(1))) struct StatusColumnKeyTests {
    private static let events = SQLiteStorage.Events.statusColumn(
        "orders", keyColumn: "number", key: { (event: OrderPlaced) in event.number },
        rebuild: { row in OrderPlaced(number: row["number"], key: "customer") })

    private func withColumn(
        clock: ManualClock = ManualClock(), _ body: (SQLiteStorage, DatabasePool) async throws -> Void
    ) async throws {
        try await withDatabasePath { path in
            let pool = try await openPool(path)
            try await pool.write { try $0.execute(sql: "INSERT INTO orders VALUES (1, 1), (2, 1)") }
            let storage = try await SQLiteStorage(
                pool, events: Self.events, envelopes: EnvelopeFactory(wallClock: clock.wallClock), clock: clock)
            try await body(storage, pool)
            await storage.close()
            try pool.close()
        }
    }

    /// Runs an engine whose handler refuses the first order until it is told otherwise.
    private func running(
        _ storage: SQLiteStorage, _ policy: DeliveryPolicy,
        _ body: (EventEngine, _ delivered: AsyncStream<Int>) async throws -> Void
    ) async throws {
        let delivered = AsyncStream<Int>.makeStream()
        let engine = try await EventEngine(
            storage: storage, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            subscriptions: [
                Subscription("ledger", to: OrderPlaced.self, policy: policy) { event, context in
                    if event.number == 1, context.headers["correlationid"] == nil { throw Refusal() }
                    delivered.continuation.yield(event.number)
                }
            ])
        let running = Task { try await engine.run() }
        try await body(engine, delivered.stream)
        running.cancel()
        try await running.value
    }

    @Test func aKeyGoesOnWhenTheRowThatItsRetryBelongsToIsDeleted() async throws {
        try await withColumn { storage, pool in
            let policy = DeliveryPolicy(backoff: .constant(.seconds(3600)))
            try await running(storage, policy) { engine, delivered in
                try await engine.emit(contentsOf: [1, 2].map { OrderPlaced(number: $0, key: "customer") })
                try await eventually { try await storage.counts(subscription: "ledger").blocked == 1 }
                try await pool.write { try $0.execute(sql: "DELETE FROM orders WHERE number = 1") }
                #expect(await delivered.first { _ in true } == 2)
            }
        }
    }

    @Test func aKeyGoesOnWhenTheRowOfItsDeadLetterEmitsAgain() async throws {
        try await withColumn { storage, pool in
            let policy = DeliveryPolicy(maxRetries: 0, whenKeyExhausted: .block)
            try await running(storage, policy) { engine, delivered in
                try await engine.emit(OrderPlaced(number: 1, key: "customer"))
                try await eventually { try await storage.counts(subscription: "ledger").deadLettered == 1 }
                try await engine.emit(OrderPlaced(number: 1, key: "customer"), headers: ["correlationid": "again"])
                #expect(await delivered.first { _ in true } == 1)
            }
        }
    }

    @Test(arguments: ["NULL", "'succeeded'", "'failed'"])
    func aRetryThatWasSettledByHandIsNotDue(status: String) async throws {
        try await withColumn { storage, pool in
            try await storage.attach()
            try await storage.emit([1])
            let delivery = try #require(try await storage.claim().deliveries.first)
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger",
                    exceptions: [
                        Settlement(
                            delivery: delivery,
                            outcome: .retrying(due: Date(timeIntervalSince1970: 1), history: DeliveryHistory()))
                    ]))
            #expect(try await storage.counts(subscription: "ledger").retrying == 1)
            try await pool.write { try $0.execute(sql: "UPDATE orders SET event_status = \(status) WHERE number = 1") }
            let batch = try await storage.claim(now: .distantFuture)
            #expect(batch.deliveries.map(\.sequence) == [])
            #expect(batch.nextDue == nil)
            #expect(try await storage.counts(subscription: "ledger").retrying == 0)
        }
    }

    @Test func removingTheSubscriptionLeavesPendingRowsToTheNext() async throws {
        try await withColumn { storage, _ in
            try await storage.attach()
            try await storage.emit([1, 2], key: "customer")
            let delivery = try #require(try await storage.claim().deliveries.first)
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger",
                    exceptions: [
                        Settlement(
                            delivery: delivery,
                            outcome: .retrying(due: .distantFuture, history: DeliveryHistory(attempts: 3)))
                    ]))
            storage.detach()
            #expect(try await storage.removeSubscription("ledger")?.retrying == 1)
            try await storage.attach("next")
            let claimed = try await storage.claim("next").deliveries
            #expect(claimed.map(\.history) == [nil, nil])
            #expect(try await storage.status(of: 1)?.attempts == 0)
        }
    }

    @Test func aKeyColumnThatIsNotUniqueIsNamed() async throws {
        try await withDatabasePath { path in
            let queue = try DatabaseQueue(path: path)
            try await queue.write { db in
                try db.execute(sql: "CREATE TABLE orders (number INTEGER); INSERT INTO orders VALUES (1), (1)")
            }
            let storage = try await SQLiteStorage(queue, events: Self.events)
            let error = await #expect(throws: StorageError.self) { try await storage.emit([1]) }
            #expect(error?.code == .invalidTable)
            let marked = try await queue.read {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM orders WHERE event_status IS NOT NULL")
            }
            #expect(marked == 0)
            await storage.close()
            try queue.close()
        }
    }

    @Test func columnsOfTablesWithSimilarNamesShareADatabase() async throws {
        func events(_ table: String) -> SQLiteStorage.Events {
            .statusColumn(
                table, keyColumn: "number", key: { (event: OrderPlaced) in event.number },
                rebuild: { row in OrderPlaced(number: row["number"]) })
        }
        try await withDatabasePath { path in
            let queue = try DatabaseQueue(path: path)
            for table in ["a", "a-b"] {
                try await queue.write { db in
                    try db.execute(sql: "CREATE TABLE \"\(table)\" (number INTEGER PRIMARY KEY)")
                }
            }
            for table in ["a-b", "a", "a-b"] {
                await (try SQLiteStorage(queue, events: events(table))).close()
            }
            try queue.close()
        }
    }
}
#endif

#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct StatusColumnTests {
    private func withColumn<R>(
        pollInterval: Duration = .seconds(3600), _ body: (PostgresStorage, TestDatabase) async throws -> R
    ) async throws -> R {
        let database = try await TestDatabase.withOrders()
        let storage = try await database.column(pollInterval: pollInterval)
        let result: Result<R, any Error>
        do {
            result = .success(try await body(storage, database))
        } catch {
            result = .failure(error)
        }
        await storage.close()
        return try result.get()
    }

    @Test func addingTheColumnsDeliversNoHistory() async throws {
        try await withColumn { storage, database in
            try await storage.attach(start: .beginning)
            #expect(try await storage.claimNumbers() == [])
            #expect(try await storage.state(100) == nil)
            let (migrations, tables) = try await database.run { session in
                (
                    try session.execute("SELECT number FROM aftercommit_migrations").map { try $0.int32(0) },
                    try session.execute("SELECT to_regclass('outbox_events') IS NULL").first().bool(0)
                )
            }
            #expect(migrations == [1], "the inbox alone")
            #expect(tables, "no outbox")
        }
    }

    @Test func theUsersTransactionMarksItsRow() async throws {
        try await withColumn { storage, database in
            try await storage.attach()
            let id = try await storage.transaction { tx in
                try tx.execute("INSERT INTO orders (number, total) VALUES (1, 9.5)")
                return try tx.emit(OrderPlaced(number: 1))
            }
            let claimed = try await storage.claim()
            #expect(try storage.numbers(claimed) == [1])
            #expect(try await storage.claimNumbers() == [], "it is in hand")
            #expect(try await storage.state(1) == .pending)
            let report = try await storage.settle(
                SettlementBatch(subscription: "ledger", delivered: claimed.map(\.sequence)))
            #expect(report.stale == [])
            let status = try #require(try await storage.status(of: .int64(1)))
            #expect(status == RowStatus(state: .succeeded, eventID: id))
            let stored = try await database.run { session in
                try session.execute("SELECT event_status FROM orders WHERE number = 1").first().text(0)
            }
            #expect(stored == "succeeded")
            let again = try await storage.settle(
                SettlementBatch(subscription: "ledger", delivered: claimed.map(\.sequence)))
            #expect(again.stale == claimed.map(\.sequence))
        }
    }

    @Test func whatItCannotDoNamesTheOutboxAndKeepsNothing() async throws {
        try await withColumn { storage, database in
            let emits: [@Sendable (PostgresTransaction) throws -> Void] = [
                { try $0.emit(OrderPlaced(number: 7)) },
                { try $0.emit(OrderShipped(number: 100)) },
                { try $0.emit(OrderPlaced(number: 100), at: Date(timeIntervalSince1970: 4e9)) },
                { try $0.emit(OrderPlaced(number: 100), deduplicationKey: "k") },
                { tx in
                    try tx.emit(OrderPlaced(number: 100))
                    try tx.emit(OrderPlaced(number: 100))
                },
            ]
            for emit in emits {
                let error = await #expect(throws: StorageError.self) { try await storage.transaction { try emit($0) } }
                #expect(error?.code == .needsOutbox)
                #expect(error?.message.contains("outbox") == true)
            }
            let two = ["a", "b"].map { SubscriptionRegistration(name: $0, types: ["order.placed"]) }
            let error = await #expect(throws: StorageError.self) { _ = try await storage.attach(two) { _ in } }
            #expect(error?.code == .needsOutbox)
            let marked = try await database.run { session in
                try session.execute("SELECT count(*) FROM orders WHERE event_status IS NOT NULL").first().int64(0)
            }
            #expect(marked == 0)
        }
    }

    /// A smaller number may commit after a larger one was delivered.
    @Test func whatCommitsLaterWithASmallerNumberIsFound() async throws {
        try await withColumn { storage, database in
            try await storage.attach()
            let other = try await database.column()
            let (isMarked, mayCommit) = (Latch(), DispatchSemaphore(value: 0))
            async let slow: Void = other.transaction { tx in
                try tx.emit(OrderPlaced(number: 100))
                isMarked.open()
                mayCommit.wait()
            }
            await isMarked.wait()
            try await storage.transaction { _ = try $0.emit(OrderPlaced(number: 101)) }
            let first = try await storage.claim()
            #expect(try storage.numbers(first) == [101])
            mayCommit.signal()
            try await slow
            let second = try await storage.claim()
            #expect(try storage.numbers(second) == [100])
            #expect((second.first?.sequence ?? .max) < (first.first?.sequence ?? 0))
            await other.close()
        }
    }

    @Test func oneServerDelivers() async throws {
        try await withColumn { storage, database in
            try await storage.attach()
            let other = try await database.column()
            let error = await #expect(throws: StorageError.self) { try await other.attach() }
            #expect(error?.code == .storeBusy)
            let removal = await #expect(throws: StorageError.self) {
                _ = try await other.removeSubscription("ledger")
            }
            #expect(removal?.code == .storeBusy)
            // It may emit, and take over once the first has ended.
            try await other.transaction { _ = try $0.emit(OrderPlaced(number: 100)) }
            #expect(try await storage.claimNumbers() == [100])
            await storage.close()
            try await other.attach()
            #expect(try await other.claimNumbers() == [100], "what was in hand is claimable again")
            await other.close()
        }
    }

    @Test func aRowThatAClosedStorageLeftPendingIsDeliveredByTheNext() async throws {
        let database = try await TestDatabase.withOrders()
        let first = try await database.column()
        try await first.transaction { _ = try $0.emit(OrderPlaced(number: 100)) }
        await first.close()
        let second = try await database.column()
        let handler = RecordingHandler<OrderPlaced>()
        let subscription = Subscription("ledger", to: OrderPlaced.self) { try await handler($0, $1) }
        try await running(second, [subscription]) { engine in
            try await engine.drain()
            #expect(handler.calls.map(\.event.number) == [100])
            #expect(try await second.state(100) == .succeeded)
            // Another process's commit is heard of by its notification: the sweep comes once an hour.
            let third = try await database.column()
            try await third.transaction { _ = try $0.emit(OrderPlaced(number: 101)) }
            #expect(try await eventually { try await second.state(101) == .succeeded })
            await third.close()
        }
        await second.close()
    }

    @Test func rowsThatWereMarkedByHandAreFoundByTheSweep() async throws {
        try await withColumn(pollInterval: .milliseconds(50)) { storage, database in
            func mark(_ number: Int) async throws {
                try await database.run { session in
                    _ = try session.execute(
                        "UPDATE orders SET event_status = 'pending' WHERE number = $1", [.int64(Int64(number))]
                    ).count
                }
            }
            try await mark(100)
            try await storage.attach()
            #expect(try await storage.claimNumbers() == [100], "at the start")
            try await mark(101)
            #expect(try await eventually { try await storage.claimNumbers() == [101] }, "by the sweep")
        }
    }

    @Test(arguments: [true, false])
    func aKeyGoesOnOnceItsFailedRowHasAnotherEventOrIsGone(isDeleted: Bool) async throws {
        try await withColumn(pollInterval: .milliseconds(50)) { storage, database in
            let handler = RecordingHandler<OrderPlaced> { _, context in
                if context.headers["fails"] != nil { throw HandlerOutcome.permanent(CancellationError()) }
            }
            let subscription = Subscription("ledger", to: OrderPlaced.self) { try await handler($0, $1) }
            try await running(storage, [subscription]) { engine in
                try await storage.transaction { tx in
                    _ = try tx.emit(
                        OrderPlaced(number: 100, orderingKey: "key"), options: EmitOptions(headers: ["fails": "1"]))
                }
                #expect(try await eventually { try await storage.state(100) == .failed })
                if isDeleted {
                    try await database.run { _ = try $0.execute("DELETE FROM orders WHERE number = 100").count }
                }
                let number = isDeleted ? 101 : 100
                try await storage.transaction { _ = try $0.emit(OrderPlaced(number: number, orderingKey: "key")) }
                #expect(try await eventually { try await storage.state(number) == .succeeded })
            }
        }
    }

    @Test func aDeletedDeadLetterLeavesItsRowFailed() async throws {
        try await withColumn { storage, _ in
            try await storage.attach()
            try await storage.transaction { _ = try $0.emit(OrderPlaced(number: 100)) }
            let delivery = try #require(try await storage.claim().first)
            let letter = DeadLetter(
                id: DeliveryID(subscription: "ledger", sequence: delivery.sequence), envelope: delivery.envelope,
                reason: .exhausted, history: DeliveryHistory(attempts: 4), deadSince: Date(timeIntervalSince1970: 1),
                blocksKey: false)
            let report = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger",
                    exceptions: [Settlement(delivery: delivery, outcome: .deadLettered(letter))]))
            #expect(report.stale == [])
            #expect(try await storage.status(of: .int64(100))?.state == .failed)
            #expect(try await storage.status(of: .int64(100))?.attempts == 4)
            let ids = try await storage.deadLetters(DeadLetterQuery()).map(\.id)
            #expect(ids == [letter.id])
            #expect(try await storage.deleteDeadLetters(ids) == ids)
            #expect(try await storage.state(100) == .failed)
            #expect(try await storage.counts(subscription: "ledger") == DeliveryCounts())
            #expect(try await storage.redrive(ids) == [])
        }
    }

    @Test func theNextSubscriptionBeginsWithWhatIsPending() async throws {
        let database = try await TestDatabase.withOrders([1, 2, 3, 4])
        let storage = try await database.column()
        try await storage.attach()
        for number in 1...4 {
            try await storage.transaction { _ = try $0.emit(OrderPlaced(number: number, orderingKey: "key")) }
        }
        let claimed = try await storage.claim()
        let history = DeliveryHistory(attempts: 2)
        let later = Date(timeIntervalSince1970: 4e9)
        _ = try await storage.settle(
            SettlementBatch(
                subscription: "ledger",
                exceptions: [
                    Settlement(delivery: claimed[0], outcome: .retrying(due: later, history: history)),
                    Settlement(delivery: claimed[1], outcome: .blocked),
                    Settlement(delivery: claimed[2], outcome: .parked(history: history)),
                ]))
        await storage.close()
        let second = try await database.column()
        let removed = try await second.removeSubscription("ledger")
        #expect(removed?.retrying == 1 && removed?.blocked == 1 && removed?.parked == 1 && removed?.pending == 1)
        let statuses = try await (1...4).map(Int64.init).asyncMap { try await second.status(of: .int64($0)) }
        #expect(statuses.map { $0?.state } == [.pending, .pending, .pending, .pending])
        #expect(statuses.map { $0?.attempts } == [0, 0, 0, 0])
        _ = try await second.attach([SubscriptionRegistration(name: "other", types: ["order.placed"])]) { _ in }
        let next = try await second.claim(ClaimRequest(subscription: "other", limit: 10, now: .distantPast))
        #expect(try second.numbers(next.deliveries) == [1, 2, 3, 4])
        #expect(next.deliveries.allSatisfy { $0.history == nil && !$0.wasBlocked })
        await second.close()
    }

    // MARK: Losing the connection that holds the right

    @Test func aLostConnectionIsMadeAgain() async throws {
        try await withColumn(pollInterval: .milliseconds(50)) { storage, database in
            let changes = Mutex<[StorageChange]>([])
            try await storage.attach { change in changes.withLock { $0.append(change) } }
            try await storage.transaction { _ = try $0.emit(OrderPlaced(number: 100)) }
            #expect(try await storage.claimNumbers() == [100])
            try await database.endHolder()
            #expect(try await eventually { try await database.holder() != nil })
            #expect(try await storage.claimNumbers() == [], "it is in hand still")
            #expect(changes.withLock { $0.allSatisfy { !$0.contains(.leasesLost) } })
        }
    }

    @Test func whoeverTakesTheRightMeanwhileHasIt() async throws {
        try await withColumn(pollInterval: .milliseconds(50)) { storage, database in
            let changes = Mutex<[StorageChange]>([])
            try await storage.attach { change in changes.withLock { $0.append(change) } }
            try await storage.transaction { _ = try $0.emit(OrderPlaced(number: 100)) }
            #expect(try await storage.claimNumbers() == [100])
            // It waits in the server's queue, so that nobody comes between.
            let other = try await database.takeFromHolder()
            #expect(try await eventually { changes.withLock { $0.contains { $0.contains(.leasesLost) } } })
            let error = await #expect(throws: StorageError.self) { _ = try await storage.claim() }
            #expect(error?.code == .storeBusy)
            await other.close()
            #expect(try await eventually { (try? await storage.claimNumbers()) == [100] }, "it is claimable again")
        }
    }

    @Test func aSettlementWhoseAnswerWasLostIsNotStale() async throws {
        let database = try await TestDatabase.withOrders()
        let proxy = try CuttingProxy(to: database.url)
        let storage = try await PostgresStorage(
            PostgresConfiguration(proxy.url, maxConnections: 1), events: TestDatabase.orders,
            configuration: .init(pollInterval: .seconds(3600)))
        try await storage.attach()
        try await storage.transaction { _ = try $0.emit(OrderPlaced(number: 100)) }
        let sequences = try await storage.claim().map(\.sequence)
        let batch = SettlementBatch(subscription: "ledger", delivered: sequences)
        proxy.cut(after: 0, delivering: true)
        await #expect(throws: PostgresError.self) { _ = try await storage.settle(batch) }
        #expect(try await eventually { try await database.isSucceeded(100) })
        #expect(try await storage.settle(batch).stale == [])
        #expect(try await storage.settle(batch).stale == sequences, "told once")
        await storage.close()
        proxy.stop()
    }

    /// The planner knows nothing of the rows that have come since it looked last.
    @Test func whatIsNewIsReadInTheOrderOfItsIndex() async throws {
        try await withColumn { storage, _ in
            try await storage.attach()
            let column = try #require(storage.queue as? PostgresStatusColumn)
            let plan = try await column.source.owning { session in
                try session.execute(
                    "EXPLAIN \(column.statement.findNew.replacing("$1", with: "'{1}'").replacing("$2", with: "10"))"
                ).map { try $0.text(0) }.joined(separator: "\n")
            }
            #expect(plan.contains("Index Scan using orders_event_pending"))
            #expect(!plan.contains("Sort "), "\(plan)")
        }
    }

    // MARK: Schema

    @Test func aTableThatIsNotThereIsNamed() async throws {
        let database = try await TestDatabase()
        let error = await #expect(throws: StorageError.self) { _ = try await database.column() }
        #expect(error?.code == .invalidTable)
        #expect(error?.message.contains("orders") == true)
    }

    @Test func theSchemaCanBeAppliedByTheUser() async throws {
        let database = try await TestDatabase.withOrders()
        let error = await #expect(throws: StorageError.self) { _ = try await database.column(migrates: false) }
        #expect(error?.code == .unsuitablePath)
        try await database.run { try $0.executeScript(TestDatabase.orders.schema) }
        let storage = try await database.column(migrates: false)
        try await storage.transaction { _ = try $0.emit(OrderPlaced(number: 100)) }
        #expect(try await storage.state(100) == .pending)
        await storage.close()
    }

    @Test func anOutboxAndAColumnShareADatabase() async throws {
        try await withColumn { column, database in
            let outbox = try await database.storage()
            let again = try await database.column()
            try await column.attach()
            try await outbox.attach()
            try await column.transaction { _ = try $0.emit(OrderPlaced(number: 100)) }
            try await outbox.transaction { _ = try $0.emit(OrderPlaced(number: 5)) }
            #expect(try await column.claimNumbers() == [100])
            // Transactions of other tests may keep a new subscription waiting.
            #expect(try await eventually { try await outbox.claimNumbers() == [5] })
            await again.close()
            await outbox.close()
        }
    }
}
#endif

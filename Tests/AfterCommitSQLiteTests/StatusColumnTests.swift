#if SQLite
import AfterCommit
import AfterCommitSQLite
import AfterCommitTesting
import Foundation
import GRDB
import Testing

@Suite(.timeLimit(.minutes(1))) struct StatusColumnTests {
    private static let events = SQLiteStorage.Events.statusColumn(
        "orders", keyColumn: "number", key: { (event: OrderPlaced) in event.number },
        rebuild: { row in OrderPlaced(number: row["number"]) })

    private func withColumn<R>(
        clock: ManualClock = ManualClock(), _ body: (SQLiteStorage, DatabasePool) async throws -> R
    ) async throws -> R {
        try await withDatabasePath { path in
            let pool = try await openPool(path)
            try await pool.write { try $0.execute(sql: "INSERT INTO orders VALUES (100, 1), (101, 1)") }
            let storage = try await SQLiteStorage(
                pool, events: Self.events, envelopes: EnvelopeFactory(wallClock: clock.wallClock), clock: clock)
            let result: Result<R, any Error>
            do {
                result = .success(try await body(storage, pool))
            } catch {
                result = .failure(error)
            }
            await storage.close()
            try pool.close()
            return try result.get()
        }
    }

    @Test func addingTheColumnsDeliversNoHistory() async throws {
        try await withColumn { storage, _ in
            try await storage.attach(start: .beginning)
            #expect(try await storage.claimNumbers() == [])
            let status = try await storage.status(of: 100)
            #expect(status == nil)
        }
    }

    @Test func theUsersOwnTransactionMarksItsRow() async throws {
        try await withColumn { storage, pool in
            let wakes = Wakes()
            try await storage.attach(wake: wakes.wake)
            let id = try await pool.write { db in
                try db.execute(sql: "INSERT INTO orders (number, total) VALUES (1, 9.5)")
                return try db.emit(OrderPlaced(number: 1), to: storage)
            }
            #expect(await wakes.next() == .claimable)
            let batch = try await storage.claim()
            #expect(try storage.numbers(batch) == [1])
            #expect(try await storage.status(of: 1)?.state == .pending)
            try await storage.settle(batch.deliveries.map(\.sequence))
            let status = try #require(try await storage.status(of: 1))
            #expect(status.state == .succeeded)
            #expect(status.eventID == id)
            let stored = try await pool.read { db in
                try String.fetchOne(db, sql: "SELECT event_status FROM orders WHERE number = 1")
            }
            #expect(stored == "succeeded")
        }
    }

    @Test func theUsersObservationsSeeTheStatus() async throws {
        try await withColumn { storage, pool in
            try await storage.attach()
            let seen = AsyncStream<String?>.makeStream()
            let observation = ValueObservation.tracking { db in
                try String.fetchOne(db, sql: "SELECT event_status FROM orders WHERE number = 100")
            }.removeDuplicates()
            let observing = observation.start(in: pool, scheduling: .async(onQueue: .global())) { _ in
                seen.continuation.finish()
            } onChange: { status in
                seen.continuation.yield(status)
            }
            var statuses = seen.stream.makeAsyncIterator()
            #expect(await statuses.next() == .some(nil))
            try await storage.emit([100])
            #expect(await statuses.next() == "pending")
            try await storage.settle(try await storage.claim().deliveries.map(\.sequence))
            #expect(await statuses.next() == "succeeded")
            observing.cancel()
        }
    }

    @Test func whatItCannotDoNamesTheOutboxAndKeepsNothing() async throws {
        try await withColumn { storage, pool in
            let emits: [@Sendable (SQLiteTransaction) throws -> Void] = [
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
            let marked = try await pool.read {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM orders WHERE event_status IS NOT NULL")
            }
            #expect(marked == 0)
        }
    }

    @Test func rowsThatWereMarkedByHandAreFoundByTheSweep() async throws {
        let clock = ManualClock()
        try await withColumn(clock: clock) { storage, pool in
            let wakes = Wakes()
            func mark(_ number: Int) async throws {
                try await pool.write { db in
                    try db.execute(
                        sql: "UPDATE orders SET event_status = 'pending' WHERE number = ?", arguments: [number])
                }
            }
            try await mark(100)
            try await storage.attach(wake: wakes.wake)
            #expect(try await storage.claimNumbers() == [100], "at the start")
            try await mark(101)
            #expect(try await storage.claimNumbers() == [])
            clock.advance(by: .seconds(60))
            // What the start found may be told late.
            while await wakes.next() != [.claimable, .deadLetters] {}
            #expect(try await storage.claimNumbers() == [101], "by the sweep")
        }
    }

    @Test func aDeletedDeadLetterLeavesItsRowFailed() async throws {
        try await withColumn { storage, _ in
            try await storage.attach()
            try await storage.emit([100])
            let delivery = try #require(try await storage.claim().deliveries.first)
            let letter = DeadLetter(
                id: DeliveryID(subscription: "ledger", sequence: delivery.sequence), envelope: delivery.envelope,
                reason: .exhausted, history: DeliveryHistory(attempts: 4), deadSince: Date(timeIntervalSince1970: 1),
                blocksKey: false)
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger",
                    exceptions: [Settlement(delivery: delivery, outcome: .deadLettered(letter))]))
            #expect(try await storage.status(of: 100)?.state == .failed)
            #expect(try await storage.status(of: 100)?.attempts == 4)
            let ids = try await storage.deadLetters(DeadLetterQuery()).map(\.id)
            #expect(ids == [letter.id])
            #expect(try await storage.deleteDeadLetters(ids) == ids)
            #expect(try await storage.status(of: 100)?.state == .failed)
            #expect(try await storage.counts(subscription: "ledger") == DeliveryCounts())
            #expect(try await storage.redrive(ids) == [])
        }
    }

    @Test func anOutboxAndAColumnShareADatabase() async throws {
        try await withColumn { column, pool in
            let outbox = try await SQLiteStorage(pool)
            try await outbox.attach("outbox")
            try await column.attach("column")
            try await pool.write { db in
                try db.emit(OrderPlaced(number: 100), to: column)
                try db.emit(OrderPlaced(number: 5), to: outbox)
            }
            #expect(try await column.claimNumbers("column") == [100])
            #expect(try await outbox.claimNumbers("outbox") == [5])
            await outbox.close()
        }
    }

    @Test func aTableThatIsNotThereIsNamed() async throws {
        try await withDatabasePath { path in
            let queue = try DatabaseQueue(path: path)
            let error = await #expect(throws: StorageError.self) {
                _ = try await SQLiteStorage(queue, events: Self.events)
            }
            #expect(error?.code == .invalidTable)
            #expect(error?.message.contains("orders") == true)
            try queue.close()
        }
    }
}
#endif

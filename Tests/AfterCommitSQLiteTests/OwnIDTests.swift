#if SQLite
import AfterCommit
import AfterCommitSQLite
import AfterCommitTesting
import Foundation
import GRDB
import Logging
import Testing

/// FAULT 20 where an id is stored without a deduplication key, and what a handler emits that cannot be stored.
@Suite(.timeLimit(.minutes(1))) struct OwnIDTests {
    private func insert(_ id: EventID, number: Int, _ pool: DatabasePool) async throws {
        try await pool.write { db in
            try db.execute(
                sql: "INSERT INTO outbox_events (id, type, payload) VALUES (?, 'order.placed', ?)",
                arguments: [id.description, "{\"number\":\(number)}"])
        }
    }

    @Test func anIDThatSomebodyInsertedIsOneEvent() async throws {
        try await withStorage { storage, pool in
            let id = EventID(UUID())
            try await insert(id, number: 1, pool)
            #expect(try await storage.emit(OrderPlaced(number: 1), options: EmitOptions(id: id)) == id)
            let error = await #expect(throws: EmitError.self) {
                try await storage.emit(OrderPlaced(number: 2), options: EmitOptions(id: id))
            }
            #expect(error?.code == .deduplicationConflict)
            let count = try await pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM outbox_events") }
            #expect(count == 1)
        }
    }

    @Test func anIDWithTwoKeysIsOneEvent() async throws {
        try await withStorage { storage, _ in
            let id = EventID(UUID())
            for key in ["a", "b"] {
                let options = EmitOptions(deduplicationKey: key, id: id)
                let emitted = try await storage.emit(OrderPlaced(number: 1), options: options)
                #expect(emitted == id)
            }
        }
    }

    @Test func aHandlersEventThatCannotBeStoredStopsNobody() async throws {
        try await withStorage { storage, pool in
            try await refuseShipped(pool)
            let id = EventID(UUID())
            try await insert(id, number: 1, pool)
            let handled = Latch()
            let engine = try await EventEngine(
                storage: storage, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                subscriptions: [
                    Subscription("ledger", to: OrderPlaced.self) { event, context in
                        if event.number == 7 {
                            // One whose id is another event's, one that the user's trigger refuses, one that is fine.
                            try context.emit(OrderPlaced(number: 8), options: EmitOptions(id: id))
                            try context.emit(OrderShipped(number: 8))
                            try context.emit(OrderPlaced(number: 9))
                        }
                        if event.number == 9 { handled.open() }
                    }
                ])
            let running = Task { try await engine.run() }
            try await engine.emit(OrderPlaced(number: 7))
            await handled.wait()
            try await engine.drain()
            let delivered = try await engine.status().map(\.totals.delivered)
            // The one that was inserted, 7 and 9.
            #expect(delivered == [3])
            running.cancel()
            try await running.value
        }
    }
}
#endif

#if SQLite
import AfterCommit
import AfterCommitSQLite
import AfterCommitTesting
import Foundation
import GRDB
import Testing

/// Who may forget what, and when.
@Suite(.timeLimit(.minutes(1))) struct RoomTests {
    @Test func whoOnlyBeginsToDeliverForgetsNothing() async throws {
        try await withDatabasePath { path in
            let pool = try await openPool(path)
            let before = try await SQLiteStorage(pool, configuration: .init(maxEvents: 20))
            try await before.attach()
            try await before.emit(0..<14)
            await before.close()
            let storage = try await SQLiteStorage(pool, configuration: .init(maxEvents: 20))
            let mayGoOn = await holdWriter(pool)
            let attaching = Task { try await storage.attach() }
            await letTasksGoOn()
            // It comes to the writer before the places are registered.
            let emitting = Task { try await storage.emit(14..<20) }
            await letTasksGoOn()
            mayGoOn.signal()
            let refused = await emitting.result
            _ = try await attaching.value
            #expect(throws: StorageError.self) { try refused.get() }
            #expect(try await storage.claimNumbers() == Array(0..<14))
            await storage.close()
            try pool.close()
        }
    }

    @Test func anOutboxThatIsHalfFullForgetsNothing() async throws {
        try await withDatabasePath { path in
            let pool = try await openPool(path)
            let before = try await SQLiteStorage(pool, configuration: .init(maxEvents: 100))
            try await before.attach("gone")
            try await before.emit(0..<60)
            await before.close()
            let storage = try await SQLiteStorage(pool, configuration: .init(maxEvents: 100))
            try await storage.attach("live")
            try await storage.emit([60])
            #expect(try await storage.counts(subscription: "gone").pending == 61)
            await storage.close()
            try pool.close()
        }
    }

    @Test func aGroupThatRunsAgainReservesOnce() async throws {
        try await withStorage(configuration: .init(maxEvents: 20)) { storage, pool in
            try await refuseShipped(pool)
            let mayGoOn = await holdWriter(pool)
            let reserving = Task { try await storage.reserveRoom(for: 10) }
            await letTasksGoOn()
            let emitting = Task { try await storage.emit(contentsOf: [OrderShipped(number: 1)], headers: [:]) }
            await letTasksGoOn()
            mayGoOn.signal()
            let reservation = try await reserving.value
            await #expect(throws: StorageError.self) { try await emitting.value }
            let full = await #expect(throws: StorageError.self) { try await storage.emit(0..<6) }
            #expect(full?.code == .storageFull)
            storage.cancel(reservation)
            try await storage.emit(0..<15)
        }
    }

    @Test func whatWasForgottenInATransactionThatIsUndoneIsCounted() async throws {
        try await withStorage(configuration: .init(maxEvents: 20)) { storage, pool in
            try await storage.attach()
            try await storage.emit(0..<12)
            try await storage.settle(try await storage.claim().deliveries.map(\.sequence))
            await #expect(throws: Refusal.self) {
                try await pool.write { db in
                    for number in 0..<5 { try db.emit(OrderPlaced(number: number), to: storage) }
                    throw Refusal()
                }
            }
            try await storage.emit(0..<12)
            let count = try await pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM outbox_events") }
            #expect(count == 12)
        }
    }
}

/// What the user's own constraints refuse.
func refuseShipped(_ pool: DatabasePool) async throws {
    try await pool.write { db in
        try db.execute(
            sql: """
                CREATE TRIGGER refuse_shipped BEFORE INSERT ON outbox_events WHEN NEW.type = 'order.shipped'
                BEGIN SELECT RAISE(ABORT, 'no shipping'); END
                """)
    }
}
#endif

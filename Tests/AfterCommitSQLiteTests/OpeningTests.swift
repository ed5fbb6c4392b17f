#if SQLite
import AfterCommit
import Foundation
import GRDB
import Testing

@testable import AfterCommitSQLite

@Suite(.timeLimit(.minutes(1))) struct OpeningTests {
    @Test func aPoolThatIsNotFullySynchronousIsRefusedWithTheLineThatMendsIt() async throws {
        try await withDatabasePath { path in
            let pool = try DatabasePool(path: path)
            let error = await #expect(throws: StorageError.self) { _ = try await SQLiteStorage(pool) }
            #expect(error?.code == .unsuitablePath)
            #expect(error?.message.contains("PRAGMA synchronous = FULL") == true)
            let tables = try await pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_master") }
            #expect(tables == 0, "nothing was made")
            try await pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            await (try SQLiteStorage(pool)).close()
        }
    }

    @Test func aQueueIsTakenAsItIs() async throws {
        try await withDatabasePath { path in
            let queue = try DatabaseQueue(path: path)
            let before = try await queue.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") }
            let storage = try await SQLiteStorage(queue)
            try await storage.attach()
            try await storage.emit(0..<3)
            #expect(try await storage.claimNumbers() == [0, 1, 2])
            #expect(try await queue.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == before)
            await storage.close()
        }
    }

    @Test func aDatabaseInMemoryIsTakenAndHasNoLock() async throws {
        let storage = try await SQLiteStorage(try DatabaseQueue())
        try await storage.attach()
        try await storage.emit(0..<3)
        #expect(try await storage.claimNumbers() == [0, 1, 2])
        await storage.close()
    }

    @Test func theUserMayRunThePrintedMigrations() async throws {
        try await withDatabasePath { path in
            let pool = try await openPool(path)
            try await pool.write { db in
                for migration in SQLiteStorage.Events.outbox.migrations { try db.execute(sql: migration.sql) }
            }
            let storage = try await SQLiteStorage(pool)
            try await storage.attach()
            try await storage.emit([7])
            #expect(try await storage.claimNumbers() == [7])
            await storage.close()
        }
    }

    @Test func tablesOfANewerVersionAreRefused() async throws {
        try await withStorage { _, pool in
            try await pool.write { db in
                try db.execute(sql: "INSERT INTO aftercommit_migrations (name) VALUES ('outbox-999')")
            }
            let error = await #expect(throws: StorageError.self) { _ = try await SQLiteStorage(pool) }
            #expect(error?.code == .formatTooNew)
            #expect(error?.message.contains("outbox-999") == true)
        }
    }

    @Test func aClosedStorageSaysSoAndTheDatabaseStaysOpen() async throws {
        try await withStorage { storage, pool in
            await storage.close()
            let calls: [() async throws -> Void] = [
                { try await storage.emit([1]) }, { _ = try await storage.counts(subscription: "ledger") },
            ]
            for call in calls {
                let error = await #expect(throws: StorageError.self) { try await call() }
                #expect(error?.code == .closed)
            }
            let events = try await pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM outbox_events") }
            #expect(events == 0)
        }
    }

    @Test func aDetachmentDuringAnAttachmentLeavesNoLock() async throws {
        try await withStorage { storage, pool in
            let mayGoOn = await holdWriter(pool)
            let attaching = Task { try await storage.attach() }
            try await eventually { storage.context.live.isAttached }
            storage.detach()
            mayGoOn.signal()
            let error = await #expect(throws: StorageError.self) { _ = try await attaching.value }
            #expect(error?.code == .closed)
            try await storage.attach()
            try await storage.emit([1])
            #expect(try await storage.claimNumbers() == [1])
        }
    }

    @Test func oneDeliversAndOthersMayEmit() async throws {
        try await withDatabasePath { path in
            let first = try await SQLiteStorage(try await openPool(path))
            let second = try await SQLiteStorage(try await openPool(path))
            let wakes = Wakes()
            try await first.attach(wake: wakes.wake)
            let error = await #expect(throws: StorageError.self) { try await second.attach() }
            #expect(error?.code == .storeBusy)
            #expect(error?.processID == getpid())
            let twice = await #expect(throws: StorageError.self) { try await first.attach() }
            #expect(twice?.code == .alreadyOpen)
            try await second.emit([5])
            _ = await wakes.next()
            #expect(try await first.claimNumbers() == [5])
            first.detach()
            try await second.attach()
            #expect(try await second.claimNumbers() == [5], "what was not settled is claimable again")
            await first.close()
            await second.close()
        }
    }
}
#endif

#if SQLite
import AfterCommit
import AfterCommitSQLite
import AfterCommitTesting
import Foundation
import GRDB
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct GroupCommitTests {
    /// Lets many transactions wait for one commit.
    /// - Returns: what each of them came to, in order.
    private func together(
        _ count: Int, _ pool: DatabasePool, _ body: @escaping @Sendable (Int) async throws -> Void
    ) async -> [Result<Void, any Error>] {
        let mayGoOn = await holdWriter(pool)
        let tasks = (0..<count).map { number in Task { try await body(number) } }
        await letTasksGoOn()
        mayGoOn.signal()
        var results: [Result<Void, any Error>] = []
        for task in tasks { results.append(await task.result) }
        return results
    }

    @Test func aFailingBodyTakesOnlyItsOwnWritesWithIt() async throws {
        try await withStorage { storage, pool in
            try await storage.attach()
            let results = await together(40, pool) { number in
                try await storage.transaction { tx in
                    try tx.database.execute(sql: "INSERT INTO orders VALUES (?, 1)", arguments: [number % 30])
                    try tx.emit(OrderPlaced(number: number))
                    if number % 7 == 3 { throw Refusal() }
                }
            }
            var committed: [Int] = []
            for (number, result) in results.enumerated() {
                switch result {
                case .success: committed.append(number)
                case .failure(is Refusal): #expect(number % 7 == 3)
                // Of two with one key the later fails, by the user's own constraint.
                case .failure(let error): #expect((error as? DatabaseError)?.resultCode == .SQLITE_CONSTRAINT)
                }
            }
            #expect(Set(try await storage.claimNumbers()) == Set(committed))
            let rows = try await pool.read { try Int.fetchAll($0, sql: "SELECT number FROM orders ORDER BY number") }
            #expect(rows == committed.map { $0 % 30 }.sorted())
            #expect(committed.count > 20)
        }
    }

    @Test func manyTransactionsShareACommit() async throws {
        try await withStorage { storage, pool in
            let commits = CommitCounter()
            try await pool.writeWithoutTransaction { $0.add(transactionObserver: commits) }
            let results = await together(200, pool) { number in
                _ = try await storage.transaction { tx in try tx.emit(OrderPlaced(number: number)) }
            }
            for result in results { try result.get() }
            #expect(commits.count < 100, "commits of 200 transactions")
        }
    }

    @Test func aBodyThatEndsTheTransactionFailsAlone() async throws {
        try await withStorage { storage, pool in
            try await storage.attach()
            let results = await together(10, pool) { number in
                try await storage.transaction { tx in
                    try tx.emit(OrderPlaced(number: number))
                    if number == 5 { try tx.database.execute(sql: "ROLLBACK") }
                }
            }
            for (number, result) in results.enumerated() {
                if case .failure = result { #expect(number == 5) } else { #expect(number != 5) }
            }
            #expect(Set(try await storage.claimNumbers()) == Set(0..<10).subtracting([5]))
        }
    }

    @Test func aTaskThatIsCancelledWhileItWaitsNeverRunsItsBody() async throws {
        try await withStorage { storage, pool in
            let ran = Mutex(false)
            let mayGoOn = await holdWriter(pool)
            let task = Task {
                try await storage.transaction { _ in ran.withLock { $0 = true } }
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            mayGoOn.signal()
            try await storage.emit([1])
            #expect(!ran.withLock { $0 })
        }
    }

    @Test func anotherWriterIsWaitedForAndThenNamed() async throws {
        try await withDatabasePath { path in
            let storage = try await SQLiteStorage(
                try await openPool(path), configuration: .init(busyTimeout: .milliseconds(200)))
            var unsafe = Configuration()
            unsafe.allowsUnsafeTransactions = true
            let other = try DatabaseQueue(path: path, configuration: unsafe)
            try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
            let error = await #expect(throws: StorageError.self) { try await storage.emit([1]) }
            #expect(error?.code == .storeBusy)
            #expect(error?.cause is DatabaseError)
            try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
            try await storage.emit([1])
            await storage.close()
        }
    }

    @Test func aReaderOfAnotherProcessIsWaitedForAtTheCommit() async throws {
        try await withDatabasePath { path in
            // In the journal mode that a queue begins with, a reader holds up the commit.
            let storage = try await SQLiteStorage(try DatabaseQueue(path: path))
            var unsafe = Configuration()
            unsafe.allowsUnsafeTransactions = true
            let reader = try DatabaseQueue(path: path, configuration: unsafe)
            let count = "SELECT count(*) FROM outbox_events"
            try await reader.writeWithoutTransaction { db in
                try db.execute(sql: "BEGIN")
                _ = try Int.fetchOne(db, sql: count)
            }
            let newcomer = try DatabaseQueue(path: path)
            let emitting = Task { try await storage.emit([1]) }
            try await eventually {
                do {
                    _ = try await newcomer.read { try Int.fetchOne($0, sql: count) }
                    return false
                } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                    // A commit that waits lets nobody in.
                    return true
                }
            }
            try await reader.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
            try await emitting.value
            let stored = try await newcomer.read { try Int.fetchOne($0, sql: count) }
            #expect(stored == 1)
            await storage.close()
        }
    }
}

private final class CommitCounter: TransactionObserver, Sendable {
    private let commits = Mutex(0)

    var count: Int { commits.withLock { $0 } }

    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { false }
    func databaseDidChange(with event: DatabaseEvent) {}
    func databaseDidCommit(_ db: Database) { commits.withLock { $0 += 1 } }
    func databaseDidRollback(_ db: Database) {}
}
#endif

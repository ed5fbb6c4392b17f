#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct PostgresPoolTests {
    /// Occupies a connection until it is told to end.
    private final class Occupation: Sendable {
        private let signal = Signal()
        private let started = Latch()
        private let task = Mutex<Task<Void, any Error>?>(nil)

        init(_ pool: PostgresPool) {
            task.withLock { [signal, started] task in
                task = Task {
                    try await pool.run { _ in
                        started.open()
                        signal.wait()
                    }
                }
            }
        }

        func hasStarted() async { await started.wait() }

        func end() async throws {
            signal.raise()
            try await task.withLock { $0 }?.value
        }
    }

    private final class List<Element: Sendable>: Sendable {
        private let all = Mutex<[Element]>([])

        var values: [Element] { all.withLock(\.self) }
        func append(_ element: Element) { all.withLock { $0.append(element) } }
    }

    private func isCounted(_ pool: PostgresPool, _ counts: (Int, Int, Int)) -> Bool { pool.counts == counts }

    @Test func noMoreConnectionsThanAllowed() async throws {
        let pool = try await TestDatabase().pool(maxConnections: 3)
        #expect(isCounted(pool, (0, 0, 0)))
        let processes = try await withThrowingTaskGroup(of: Int32.self) { group in
            for _ in 0..<60 {
                group.addTask {
                    try await pool.run { session in
                        try session.execute("SELECT pg_sleep(0.002)")
                        return session.serverProcess
                    }
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect((1...3).contains(processes.count))
        #expect(isCounted(pool, (processes.count, processes.count, 0)))
        await pool.close()
        #expect(isCounted(pool, (0, 0, 0)))
        let error = await #expect(throws: StorageError.self) { try await pool.run { _ in } }
        #expect(error?.code == .closed)
    }

    @Test func firstComeFirstServed() async throws {
        let pool = try await TestDatabase().pool(maxConnections: 1)
        let occupation = Occupation(pool)
        await occupation.hasStarted()
        let order = List<Int>()
        try await withThrowingTaskGroup { group in
            for number in 0..<10 {
                group.addTask { try await pool.run { _ in order.append(number) } }
                #expect(try await eventually { pool.counts.waiting == number + 1 })
            }
            try await occupation.end()
            try await group.waitForAll()
        }
        #expect(order.values == Array(0..<10))
        await pool.close()
    }

    @Test func whoIsCancelledWhileWaitingNeverRuns() async throws {
        let pool = try await TestDatabase().pool(maxConnections: 1)
        let occupation = Occupation(pool)
        await occupation.hasStarted()
        let waiting = Task { try await pool.run { _ in Issue.record("it ran") } }
        #expect(try await eventually { pool.counts.waiting == 1 })
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(pool.counts.waiting == 0)
        try await occupation.end()
        #expect(try await pool.run { try $0.execute("SELECT 1").count } == 1)
        await pool.close()
    }

    @Test func closingRefusesWhoWaitsAndCancelsWhatRuns() async throws {
        let database = try await TestDatabase()
        let pool = try PostgresPool(
            PostgresConfiguration(database.url, statementTimeout: nil, maxConnections: 1),
            time: TimeSource(ContinuousClock()))
        let running = Task { try await pool.run { _ = try $0.execute("SELECT pg_sleep(600)") } }
        #expect(try await database.sleeps())
        let waiting = Task { try await pool.run { _ in Issue.record("it ran") } }
        #expect(try await eventually { pool.counts.waiting == 1 })
        await pool.close()
        let error = await #expect(throws: StorageError.self) { try await waiting.value }
        #expect(error?.code == .closed)
        #expect(try await postgresError { try await running.value }.isConnectionLost)
        #expect(try await eventually { try await database.sleeping() == 0 })
        #expect(isCounted(pool, (0, 0, 0)))
    }

    @Test func whatBreaksIsReplaced() async throws {
        let database = try await TestDatabase()
        let pool = try database.pool(maxConnections: 2)
        let first = try await pool.run(\.serverProcess)
        // Lost while it is idle: nobody notices.
        try await database.terminate(first)
        let second = try await pool.run { session in
            try session.execute("SELECT 1")
            return session.serverProcess
        }
        #expect(second != first)
        // Lost in use: its caller hears of it, and the next one has another.
        let error = try await postgresError {
            try await pool.run { session in
                _ = try session.execute("SELECT pg_terminate_backend($1)", [.int32(session.serverProcess)])
                _ = try session.execute("SELECT 1")
            }
        }
        #expect(error.isConnectionLost)
        #expect(try await pool.run(\.serverProcess) != second)
        #expect(isCounted(pool, (1, 1, 0)))
        await pool.close()
    }

    @Test func aConnectionThatCannotBeMadeLeavesItsPlace() async throws {
        let pool = try PostgresPool(
            PostgresConfiguration("postgresql://x@127.0.0.1:1/x", maxConnections: 1),
            time: TimeSource(ContinuousClock()))
        for _ in 0..<3 { #expect(try await postgresError { try await pool.run { _ in } }.isConnectionLost) }
        #expect(isCounted(pool, (1, 1, 0)))
        await pool.close()
    }

    @Test func whatABodyLeavesOpenIsRolledBack() async throws {
        let pool = try await TestDatabase().pool(maxConnections: 1)
        try await pool.run { session in
            try session.executeScript("CREATE TABLE t (id int)")
            try session.execute("BEGIN")
            try session.execute("INSERT INTO t VALUES (1)")
        }
        let left = try await pool.run { session in
            #expect(!session.isInTransaction)
            return try session.execute("SELECT FROM t").count
        }
        #expect(left == 0)
        await pool.close()
    }

    @Test func aRestartUnderLoadCostsNothingThatWasCommitted() async throws {
        let server = try await onOwnThread("start-postgres") { try PrivatePostgres(["--durable"]) }
        let database = try await TestDatabase(on: server)
        let pool = try database.pool(maxConnections: 8)
        try await pool.run { try $0.executeScript("CREATE TABLE t (id uuid PRIMARY KEY)") }
        let isDone = Flag()
        let committed = List<UUID>()
        let failures = List<PostgresError>()
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    while !isDone.isRaised {
                        let id = UUID()
                        do {
                            try await pool.transaction { session in
                                _ = try session.execute("INSERT INTO t VALUES ($1)", [.uuid(id)])
                            }
                            committed.append(id)
                        } catch let error as PostgresError {
                            failures.append(error)
                        }
                    }
                }
            }
            for _ in 0..<2 {
                let before = committed.values.count
                #expect(try await eventually { committed.values.count > before + 200 })
                try await onOwnThread("restart") { try server.restart() }
            }
            let before = committed.values.count
            #expect(try await eventually { committed.values.count > before + 200 })
            isDone.raise()
            try await group.waitForAll()
        }
        let stored = try await pool.run { try $0.execute("SELECT id FROM t").map { try $0.uuid(0) } }
        #expect(Set(stored).isSuperset(of: committed.values))
        #expect(!failures.values.isEmpty)
        #expect(failures.values.filter { !$0.isConnectionLost }.map(\.description) == [])
        await pool.close()
    }
}
#endif

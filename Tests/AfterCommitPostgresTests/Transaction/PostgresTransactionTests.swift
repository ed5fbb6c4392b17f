#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Synchronization
import Testing

@Suite struct PostgresTransactionTests {
    private struct Wrong: Error {}

    private func storage(_ maxConnections: Int = 2) async throws -> (TestDatabase, PostgresStorage) {
        let database = try await TestDatabase()
        let storage = try await database.storage(maxConnections: maxConnections)
        try await storage.transaction { try $0.execute("CREATE TABLE t (id int PRIMARY KEY, name text)") }
        return (database, storage)
    }

    private func ids(_ database: TestDatabase) async throws -> [Int32] {
        try await database.run { try $0.execute("SELECT id FROM t ORDER BY id").map { try $0.int32(0) } }
    }

    private func numbers(_ database: TestDatabase) async throws -> [Int64] {
        try await database.run { session in
            try session.execute("SELECT (payload->>'number')::bigint FROM outbox_events ORDER BY sequence").map {
                try $0.int64(0)
            }
        }
    }

    @Test func itCommitsWhatItsBodyWroteOrNothing() async throws {
        let (database, storage) = try await storage()
        let inside = try await storage.transaction { tx in
            #expect(try tx.execute("INSERT INTO t VALUES ($1, $2)", .int32(1), .text("one")) == 1)
            try tx.emit(OrderPlaced(number: 1))
            return try tx.query("SELECT name FROM t WHERE id = $1", .int32(1)).first().text(0)
        }
        #expect(inside == "one")
        await #expect(throws: Wrong.self) {
            try await storage.transaction { tx in
                try tx.execute("INSERT INTO t VALUES (2)")
                try tx.emit(OrderPlaced(number: 2))
                throw Wrong()
            }
        }
        #expect(try await ids(database) == [1])
        #expect(try await numbers(database) == [1])
        await storage.close()
    }

    @Test func aLockThatIsNotWaitedForCanBeDoneWithout() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        try await storage.transaction { tx in
            try tx.execute("CREATE TABLE jobs (n bigint PRIMARY KEY)")
            try tx.execute("INSERT INTO jobs VALUES (1)")
        }
        let (isLocked, mayEnd) = (Latch(), DispatchSemaphore(value: 0))
        let locking = Task {
            try await database.run { session in
                try session.execute("BEGIN")
                try session.execute("SELECT FROM jobs FOR UPDATE")
                isLocked.open()
                mayEnd.wait()
                try session.commit([])
            }
        }
        await isLocked.wait()
        let runs = Mutex(0)
        let isFree = try await storage.transaction { tx in
            runs.withLock { $0 += 1 }
            try tx.emit(OrderPlaced(number: 1))
            do {
                return try tx.savepoint { try tx.query("SELECT n FROM jobs FOR UPDATE NOWAIT").count == 1 }
            } catch let error as PostgresError where error.isConflict {
                return false
            }
        }
        #expect(!isFree)
        #expect(runs.withLock { $0 } == 1)
        mayEnd.signal()
        try await locking.value
        await storage.close()
    }

    @Test func aSavepointTakesBackItsOwnPartOnly() async throws {
        let (database, storage) = try await storage()
        try await storage.transaction { tx in
            try tx.execute("INSERT INTO t VALUES (1)")
            try tx.emit(OrderPlaced(number: 1))
            let error = try postgresError {
                try tx.savepoint {
                    try tx.emit(OrderPlaced(number: 2))
                    try tx.savepoint {
                        try tx.execute("INSERT INTO t VALUES (2)")
                        try tx.emit(OrderPlaced(number: 3))
                    }
                    try tx.execute("INSERT INTO t VALUES (1)")
                }
            }
            #expect(error.isUniqueViolation)
            try tx.savepoint {
                #expect(throws: Wrong.self) {
                    try tx.savepoint {
                        try tx.emit(OrderPlaced(number: 4))
                        throw Wrong()
                    }
                }
                try tx.execute("INSERT INTO t VALUES (5)")
                try tx.emit(OrderPlaced(number: 5))
            }
        }
        #expect(try await ids(database) == [1, 5])
        #expect(try await numbers(database) == [1, 5])
        await storage.close()
    }

    @Test func aSwallowedErrorFailsTheCommit() async throws {
        let (database, storage) = try await storage()
        let error = try await postgresError {
            try await storage.transaction { tx in
                try tx.execute("INSERT INTO t VALUES (1)")
                _ = try? tx.execute("INSERT INTO t VALUES (1)")
            }
        }
        #expect(error.sqlState == "25P02")
        #expect(try await ids(database) == [])
        await storage.close()
    }

    @Test func aRefusedParameterCanBeHandled() async throws {
        let (database, storage) = try await storage()
        try await storage.transaction { tx in
            let error = try postgresError { try tx.execute("INSERT INTO t VALUES (1, $1)", .text("a\0b")) }
            #expect(error.parameter == 1)
            try tx.execute("INSERT INTO t VALUES (1, $1)", .text("ab"))
        }
        #expect(try await ids(database) == [1])
        await storage.close()
    }

    @Test func anOutdatedStatementRunsTheTransactionAgain() async throws {
        let (database, storage) = try await storage(1)
        let read: @Sendable (PostgresTransaction) throws -> Int = { tx in
            try tx.execute("INSERT INTO t SELECT count(*) FROM t")
            return try tx.query("SELECT * FROM t").first().column("name")
        }
        #expect(try await storage.transaction(read) == 1)
        try await database.run {
            try $0.executeScript("ALTER TABLE t DROP COLUMN name; ALTER TABLE t ADD more int, ADD name text")
        }
        let count = Mutex(0)
        let place = try await storage.transaction { tx in
            count.withLock { $0 += 1 }
            return try read(tx)
        }
        #expect(place == 2)
        #expect(count.withLock(\.self) == 2)
        #expect(try await ids(database) == [0, 1])
        await storage.close()
    }
}
#endif

#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import Foundation
import Testing

@Suite struct PostgresSessionTests {
    @Test func aPipelineReturnsEveryResultInOrder() async throws {
        try await TestDatabase().run { session in
            try session.executeScript("CREATE TABLE t (id bigint PRIMARY KEY, payload bytea)")
            let before = session.preparedStatements
            let payload = Data(repeating: 7, count: 20_000)
            // Far more than sockets hold, both ways: whoever only sends before it receives would wait for ever.
            let results = try session.pipeline(
                (0..<1_000).map { id in
                    PostgresStatement(
                        "INSERT INTO t VALUES ($1, $2) RETURNING id, payload", [.int64(Int64(id)), .bytes(payload)])
                })
            #expect(try results.map { try $0[0].int64(0) } == Array(0..<1_000))
            for result in results { #expect(try result[0].bytes(1) == payload) }
            #expect(session.preparedStatements == before + 1)
            #expect(try session.pipeline([]).isEmpty)
        }
    }

    @Test func aPipelineIsAllOrNothing() async throws {
        try await TestDatabase().run { session in
            try session.executeScript("CREATE TABLE t (id int PRIMARY KEY)")
            let insert = { (id: Int32) in PostgresStatement("INSERT INTO t VALUES ($1)", [.int32(id)]) }
            let error = try postgresError {
                try session.pipeline([insert(1), insert(1), PostgresStatement("SELECT nothing FROM nowhere")])
            }
            #expect(error.isUniqueViolation)
            #expect(try session.execute("SELECT FROM t").isEmpty)
            // A statement that cannot be prepared ends it too, and the next one works.
            #expect(
                try postgresError { try session.pipeline([insert(1), PostgresStatement("SELEC")]) }.sqlState == "42601")
            #expect(try session.pipeline([insert(1), insert(2)]).map(\.affectedRows) == [1, 1])
            #expect(!session.isLost)
        }
    }

    @Test func aCommitOfAFailedTransactionIsAnError() async throws {
        try await TestDatabase().run { session in
            try session.executeScript("CREATE TABLE t (id int PRIMARY KEY)")
            try session.execute("BEGIN")
            try session.execute("INSERT INTO t VALUES (1)")
            #expect(throws: PostgresError.self) { try session.execute("SELECT 1/0") }
            #expect(session.isInTransaction)
            let error = try postgresError { try session.commit([]) }
            #expect(error.sqlState == "25P02")
            #expect(!error.isOutcomeUnknown)
            #expect(!session.isInTransaction)
            #expect(try session.execute("SELECT FROM t").isEmpty)
        }
    }

    @Test func whatIsCheckedAtCommitFailsWithItsOwnError() async throws {
        try await TestDatabase().run { session in
            try session.executeScript("CREATE TABLE t (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
            try session.execute("BEGIN")
            try session.execute("INSERT INTO t VALUES (1), (1)")
            let error = try postgresError { try session.commit([]) }
            #expect(error.isUniqueViolation)
            #expect(!error.isOutcomeUnknown)
            try session.execute("SELECT 1")
        }
    }

    @Test func aCommitWhoseConnectionIsLostHasAnUnknownOutcome() async throws {
        let database = try await TestDatabase()
        let connection = try database.connection()
        let process = try await connection.run { session in
            // The commit runs a deferred trigger that waits: time enough to lose the connection inside it.
            try session.executeScript(
                """
                CREATE TABLE t (id int);
                CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
                CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait();
                """)
            return session.serverProcess
        }
        let committing = Task {
            try await connection.run { session in
                try session.execute("BEGIN")
                try session.execute("INSERT INTO t VALUES (1)")
                try session.commit([])
            }
        }
        #expect(try await database.sleeps())
        try await database.terminate(process)
        let error = try await postgresError { try await committing.value }
        #expect(error.isOutcomeUnknown)
        #expect(error.isConnectionLost)
        await connection.close()
    }

    @Test func anEmptyStatementIsNoFailure() async throws {
        try await TestDatabase().run { session in
            #expect(try session.execute("").isEmpty)
            try session.executeScript("  ")
            #expect(!session.isLost)
        }
    }

    @Test func aViolationNamesItsConstraintAndShowsNoStoredValue() async throws {
        try await TestDatabase().run { session in
            try session.executeScript(
                "CREATE TABLE t (id int CONSTRAINT only_once PRIMARY KEY); INSERT INTO t VALUES (47110815)")
            let error = try postgresError { try session.execute("INSERT INTO t VALUES ($1)", [.int32(47_110_815)]) }
            #expect(error.sqlState == "23505")
            #expect(error.constraint == "only_once")
            #expect(error.isUniqueViolation)
            #expect(!error.isConflict && !error.isConnectionLost && !error.isStaleStatement)
            #expect(error.detail?.contains("47110815") == true)
            #expect(!error.description.contains("47110815"))
            #expect(error.failureType == "postgres.23505")
        }
    }

    @Test func oneOfADeadlockIsAConflict() async throws {
        let database = try await TestDatabase()
        try await database.run {
            try $0.executeScript("CREATE TABLE t (id int, v int); INSERT INTO t VALUES (1, 0), (2, 0)")
        }
        let connections = [try database.connection(), try database.connection()]
        let holds = [Signal(), Signal()]
        // Each takes its row, and then wants the other's.
        let failures = await withTaskGroup(of: PostgresError?.self) { group in
            for (connection, rows) in zip(connections, [[1, 2], [2, 1]]) {
                group.addTask {
                    do {
                        try await connection.run { session in
                            try session.execute("BEGIN")
                            try session.execute("UPDATE t SET v = 1 WHERE id = $1", [.int64(Int64(rows[0]))])
                            holds[rows[0] - 1].raise()
                            holds[rows[1] - 1].wait()
                            try session.execute("UPDATE t SET v = 1 WHERE id = $1", [.int64(Int64(rows[1]))])
                            try session.commit([])
                        }
                        return nil
                    } catch {
                        return error as? PostgresError
                    }
                }
            }
            return await group.reduce(into: [PostgresError]()) { if let error = $1 { $0.append(error) } }
        }
        #expect(failures.map(\.sqlState) == ["40P01"])
        #expect(failures.map(\.isConflict) == [true])
        for connection in connections { await connection.close() }
    }
}
#endif

#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import Foundation
import Testing

@Suite struct PreparedStatementsTests {
    /// The texts that the server has prepared for the session, but for this question.
    private static func prepared(_ session: PostgresSession) throws -> [String] {
        try session.execute("SELECT statement FROM pg_prepared_statements WHERE statement LIKE 'SELECT 1%' ORDER BY 1")
            .map { try $0.text(0) }
    }

    @Test func theLeastRecentlyUsedGoFirst() async throws {
        try await TestDatabase().run(maxPrepared: 8) { session in
            for number in 100..<104 { try session.execute("SELECT \(number)") }
            func name() throws -> String {
                try session.execute("SELECT name FROM pg_prepared_statements WHERE statement = 'SELECT 100'").first()
                    .text(0)
            }
            let first = try name()
            for number in 104..<150 {
                try session.execute("SELECT \(number)")
                // Always in use, so it stays.
                try session.execute("SELECT 100")
                #expect(session.preparedStatements <= 8)
            }
            let left = try Self.prepared(session)
            // It was prepared once.
            #expect(try name() == first)
            #expect(!left.contains("SELECT 101"))
            #expect(left.contains("SELECT 149"))
            // Those that were given up in the last exchange are deallocated with the next.
            #expect(left.count <= 10)
        }
    }

    @Test func theServerKeepsNoMoreThanTheClient() async throws {
        try await TestDatabase().run(maxPrepared: 8) { session in
            // More in one exchange than are kept.
            let results = try session.pipeline((0..<100).map { PostgresStatement("SELECT 1 + \($0 % 20)") })
            #expect(try results.map { try $0.first().int32(0) } == (0..<100).map { 1 + $0 % 20 })
            #expect(try Self.prepared(session).count <= 8)
            // In a transaction too, and its failure costs nothing.
            try session.execute("BEGIN")
            for number in 0..<50 { try session.execute("SELECT 1 - \(number)") }
            #expect(try Self.prepared(session).count <= 10)
            #expect(throws: PostgresError.self) { try session.execute("SELECT 1 / 0") }
            try session.execute("ROLLBACK")
            #expect(try Self.prepared(session).count <= 10)
        }
    }

    @Test func anotherTypeMakesAnotherStatement() async throws {
        try await TestDatabase().run { session in
            let number = try session.execute("SELECT $1", [.int32(1)]).first().int32(0)
            #expect(number == 1)
            #expect(try session.execute("SELECT $1", [.bool(true)]).first().bool(0))
            #expect(try session.execute("SELECT $1", [.int32(nil)]).first().optionalInt32(0) == nil)
        }
    }

    @Test func whatTheServerForgotIsPreparedAgain() async throws {
        try await TestDatabase().run(maxPrepared: 4) { session in
            let one = PostgresStatement("SELECT $1", [.int32(1)])
            try session.execute(one.sql, one.parameters)
            try session.executeScript("DISCARD ALL")
            #expect(try session.execute(one.sql, one.parameters).first().int32(0) == 1)
            try session.executeScript("DEALLOCATE ALL")
            // Several are one transaction, which is run again.
            #expect(try session.pipeline([PostgresStatement("SELECT 2"), one])[1].first().int32(0) == 1)
            // Those that are to be deallocated are gone already.
            for number in 0..<5 { try session.execute("SELECT \(number)") }
            try session.executeScript("DEALLOCATE ALL")
            for number in 0..<10 { #expect(try session.execute("SELECT \(number)").first().int32(0) == Int32(number)) }

            // In a transaction it cannot be mended, and the next one works.
            try session.execute(one.sql, one.parameters)
            try session.execute("BEGIN")
            try session.executeScript("DEALLOCATE ALL")
            let error = try postgresError { try session.execute(one.sql, one.parameters) }
            #expect(error.sqlState == "26000")
            #expect(error.isStaleStatement)
            try session.execute("ROLLBACK")
            try session.execute("BEGIN")
            #expect(try session.execute(one.sql, one.parameters).first().int32(0) == 1)
            try session.commit([])
        }
    }

    @Test func aChangedTableIsReadAnew() async throws {
        try await TestDatabase().run { session in
            try session.executeScript("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
            let select = "SELECT * FROM t"
            #expect(try session.execute(select).first().column("a") == 0)
            try session.executeScript("ALTER TABLE t ADD COLUMN b text")
            #expect(try session.execute(select).first().column("b") == 1)
            let count = session.preparedStatements
            try session.execute(select)
            #expect(session.preparedStatements == count)
            // A refusal of another kind is no outdated plan.
            let error = try postgresError { try session.execute("SELECT 1 FOR UPDATE OF t") }
            #expect(!error.isStaleStatement)
        }
    }

    @Test func nothingIsRunAgainBehindACommit() async throws {
        try await TestDatabase().run { session in
            try session.executeScript("CREATE TABLE t (a int)")
            let select = PostgresStatement("SELECT * FROM t")
            try session.execute(select.sql)
            try session.executeScript("ALTER TABLE t ADD COLUMN b text")
            let error = try postgresError {
                try session.pipeline([
                    PostgresStatement("BEGIN"), PostgresStatement("INSERT INTO t VALUES (1)"),
                    PostgresStatement("COMMIT"), select,
                ])
            }
            #expect(error.isStaleStatement)
            #expect(try session.execute("SELECT count(*) FROM t").first().int64(0) == 1)
        }
    }

    @Test func whatCannotRunInATransactionRunsWhereStatementsAreGivenUp() async throws {
        try await TestDatabase().run(maxPrepared: 2) { session in
            for number in 0..<10 { try session.execute("SELECT \(number)") }
            try session.execute("VACUUM")
            for number in 0..<10 { try session.execute("SELECT \(number)") }
            #expect(!session.isLost)
        }
    }
}
#endif

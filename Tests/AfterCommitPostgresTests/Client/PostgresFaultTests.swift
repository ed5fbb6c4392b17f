#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import TestSupport
import Testing

/// What happens to a connection from outside.
@Suite struct PostgresFaultTests {
    private let clock = ContinuousClock()

    @Test func closingAStorageEndsItsStatementsAtTheServer() async throws {
        let database = try await TestDatabase()
        let storage = try await PostgresStorage(PostgresConfiguration(database.url, statementTimeout: nil))
        let asking = Task { try await storage.transaction { try $0.execute("SELECT pg_sleep(600)") } }
        #expect(try await database.sleeps())
        let start = clock.now
        await storage.close()
        let error = await #expect(throws: StorageError.self) { try await asking.value }
        #expect(error?.code == .closed)
        #expect(try await eventually { try await database.sleeping() == 0 })
        #expect(clock.now - start < .seconds(20))
    }

    @Test func aPipelineUnderWayEndsToo() async throws {
        let database = try await TestDatabase()
        let connection = try database.connection { $0.statementTimeout = nil }
        try await connection.run { try $0.executeScript("CREATE TABLE t (id int)") }
        let asking = Task {
            try await connection.run { session in
                _ = try session.pipeline([
                    PostgresStatement("SELECT pg_sleep(600)"), PostgresStatement("INSERT INTO t VALUES (1)"),
                ])
            }
        }
        #expect(try await database.sleeps())
        await connection.close()
        #expect(try await postgresError { try await asking.value }.isConnectionLost)
        #expect(try await eventually { try await database.sleeping() == 0 })
        #expect(try await database.run { try $0.execute("SELECT FROM t").isEmpty })
    }

    @Test func aStatementThatIsGivenUpEndsAtTheServer() async throws {
        let database = try await TestDatabase()
        let connection = try database.connection {
            $0.statementTimeout = .milliseconds(200)
            $0.connectTimeout = .milliseconds(500)
        }
        // The server's own limit would come first.
        let error = try await postgresError {
            try await connection.run { session in
                try session.executeScript("SET statement_timeout = 0")
                _ = try session.execute("SELECT pg_sleep(600)")
            }
        }
        #expect(error.isConnectionLost)
        #expect(error.message == "the server did not answer in time")
        #expect(try await eventually { try await database.sleeping() == 0 })
        // Another session takes its place.
        #expect(try await connection.run { try $0.execute("SELECT 1").count } == 1)
        await connection.close()
    }

    @Test func theServersOwnLimitCostsNoConnection() async throws {
        let database = try await TestDatabase()
        let connection = try database.connection { $0.statementTimeout = .milliseconds(100) }
        let process = try await connection.run(\.serverProcess)
        let error = try await postgresError { try await connection.run { _ = try $0.execute("SELECT pg_sleep(60)") } }
        #expect(error.isCancelled)
        #expect(!error.isConnectionLost)
        #expect(try await connection.run(\.serverProcess) == process)
        await connection.close()
    }

    @Test func aTerminatedConnectionIsLostAndReplaced() async throws {
        let database = try await TestDatabase()
        let connection = try database.connection()
        let process = try await connection.run(\.serverProcess)
        let asking = Task { try await connection.run { _ = try $0.execute("SELECT pg_sleep(60)") } }
        #expect(try await database.sleeps())
        try await database.terminate(process)
        let error = try await postgresError { try await asking.value }
        #expect(error.sqlState == "57P01")
        #expect(error.isConnectionLost)
        #expect(try await connection.run(\.serverProcess) != process)
        await connection.close()
    }

    @Test(arguments: [true, false])
    func aConnectionThatIsCutIsLost(isDelivered: Bool) async throws {
        let database = try await TestDatabase()
        try await database.run { try $0.executeScript("CREATE TABLE t (id int)") }
        let proxy = try CuttingProxy(to: database.url)
        let connection = try PostgresConnection(
            PostgresConfiguration(proxy.url), time: TimeSource(ContinuousClock()), number: 1)
        #expect(try await connection.run { try $0.execute("SELECT 1").count } == 1)
        proxy.cut(after: 0, delivering: isDelivered)
        let error = try await postgresError {
            try await connection.run { _ = try $0.execute("INSERT INTO t VALUES (1)") }
        }
        #expect(error.isConnectionLost)
        #expect(try await connection.run { try $0.execute("SELECT FROM t").count } == (isDelivered ? 1 : 0))
        await connection.close()
        proxy.stop()
    }

    @Test func aStoppedServerCostsAStatementItsLimit() async throws {
        let server = try await onOwnThread("start-postgres") { try PrivatePostgres() }
        let database = try await TestDatabase(on: server)
        let connection = try database.connection {
            $0.statementTimeout = .milliseconds(100)
            $0.connectTimeout = .milliseconds(300)
        }
        let process = try await connection.run(\.serverProcess)
        for id in [try server.serverID(), process] { try #require(kill(id, SIGSTOP) == 0) }
        let start = clock.now
        let error = try await postgresError { try await connection.run { _ = try $0.execute("SELECT 1") } }
        #expect(error.isConnectionLost)
        // Its port still takes connections, which nobody answers.
        let refused = try await postgresError { try await connection.run { _ = try $0.execute("SELECT 1") } }
        #expect(refused.isConnectionLost)
        #expect(clock.now - start < .seconds(20))
        for id in [process, try server.serverID()] { try #require(kill(id, SIGCONT) == 0) }
        await connection.close()
    }

    @Test func aConnectionThatIsDroppedEndsByItself() async throws {
        let database = try await TestDatabase()
        var connection: PostgresConnection? = try database.connection()
        let process = try #require(try await connection?.run(\.serverProcess))
        connection = nil
        #expect(
            try await eventually {
                try await database.run {
                    try $0.execute("SELECT FROM pg_stat_activity WHERE pid = $1", [.int32(process)]).isEmpty
                }
            })
    }

    @Test func copyIsRefusedAndItsConnectionGivenUp() async throws {
        let database = try await TestDatabase()
        let connection = try database.connection()
        let process = try await connection.run(\.serverProcess)
        for copy in ["COPY pg_class TO STDOUT", "COPY pg_class FROM STDIN"] {
            let error = try await postgresError { try await connection.run { _ = try $0.execute(copy) } }
            #expect(error.sqlState == "0A000")
            #expect(error.message.hasPrefix("COPY"))
            let script = try await postgresError { try await connection.run { try $0.executeScript(copy) } }
            #expect(script.sqlState == "0A000")
        }
        #expect(try await connection.run(\.serverProcess) != process)
        await connection.close()
    }
}
#endif

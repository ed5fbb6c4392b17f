#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import Foundation
import TestSupport
import Testing

@Suite struct PostgresConnectingTests {
    private func port(_ database: TestDatabase) throws -> Int {
        try #require(URLComponents(string: database.url)?.port)
    }

    private func connect(_ configuration: PostgresConfiguration) async throws -> Int32 {
        let connection = try PostgresConnection(configuration, time: TimeSource(ContinuousClock()), number: 1)
        do {
            let process = try await connection.run(\.serverProcess)
            await connection.close()
            return process
        } catch {
            await connection.close()
            throw error
        }
    }

    @Test func refusalsComeWithTheirSQLSTATE() async throws {
        let database = try await TestDatabase()
        let nowhere = String(database.url.dropLast(database.name.count)) + "nowhere"
        let error = try await postgresError { _ = try await connect(PostgresConfiguration(nowhere)) }
        #expect(error.sqlState == "3D000")
        #expect(error.message.contains("nowhere"))
        #expect(!error.isConnectionLost)
        // Nothing listens there.
        let refused = try await postgresError {
            _ = try await connect(PostgresConfiguration("postgresql://x@127.0.0.1:1/x"))
        }
        #expect(refused.sqlState == nil)
        #expect(refused.isConnectionLost)
        #expect(refused.failureType == "postgres.connection")
    }

    @Test func theNextHostOfAListIsTried() async throws {
        let database = try await TestDatabase()
        let configuration = try PostgresConfiguration(
            "host=127.0.0.1,127.0.0.1 port=1,\(port(database)) user=postgres dbname=\(database.name)")
        #expect(try await connect(configuration) > 0)
    }

    @Test func eachHostHasItsOwnTime() async throws {
        let database = try await TestDatabase()
        let silent = try SilentServer()
        var configuration = try PostgresConfiguration(
            "host=127.0.0.1,127.0.0.1,127.0.0.1 port=\(silent.port),\(silent.port),\(port(database)) user=postgres dbname=\(database.name)"
        )
        configuration.connectTimeout = .seconds(1)
        let clock = ContinuousClock()
        let start = clock.now
        #expect(try await connect(configuration) > 0)
        // Two have used up their seconds before it.
        #expect(clock.now - start >= .seconds(2))
        configuration = try PostgresConfiguration(
            "host=127.0.0.1 port=\(silent.port) user=postgres connect_timeout=1")
        #expect(configuration.connectTimeout == .seconds(1))
        #expect(try await postgresError { _ = try await connect(configuration) }.isConnectionLost)
    }

    @Test func aCloseWaitsForNoHost() async throws {
        let silent = try SilentServer()
        let configuration = try PostgresConfiguration(
            "host=127.0.0.1,127.0.0.1 port=\(silent.port) user=postgres", connectTimeout: .seconds(600))
        let connection = try PostgresConnection(configuration, time: TimeSource(ContinuousClock()), number: 1)
        let asking = Task { try await connection.run { _ = try $0.execute("SELECT 1") } }
        await connection.close()
        #expect(try await postgresError { try await asking.value }.isConnectionLost)
    }

    @Test func aSessionCanBeAskedFor() async throws {
        let database = try await TestDatabase()
        #expect(try await connect(PostgresConfiguration(database.url + "?target_session_attrs=read-write")) > 0)
        #expect(try await connect(PostgresConfiguration(database.url + "?target_session_attrs=prefer-standby")) > 0)
        let error = try await postgresError {
            _ = try await connect(PostgresConfiguration(database.url + "?target_session_attrs=standby"))
        }
        #expect(error.message.contains("standby"))
        var random = Xoshiro256(seed: 1)
        let places = try PostgresConfiguration("host=a,b target_session_attrs=prefer-standby").places(random: &random)
        #expect(places.map(\.host.name) == ["a", "b", "a", "b"])
        #expect(places.map(\.session) == ["standby", "standby", "any", "any"])
    }

    @Test func settingsReachTheServer() async throws {
        let database = try await TestDatabase()
        let connection = try database.connection {
            $0.applicationName = "shop of O'Brien"
            $0.statementTimeout = .milliseconds(1_500)
            $0.idleInTransactionTimeout = nil
            $0.schema = "pg_catalog"
        }
        let settings = try await connection.run { session in
            try [
                "application_name", "statement_timeout", "idle_in_transaction_session_timeout", "client_encoding",
                "TimeZone", "search_path",
            ].map { try session.execute("SELECT current_setting($1)", [.text($0)]).first().text(0) }
        }
        #expect(settings == ["shop of O'Brien", "1500ms", "0", "UTF8", "UTC", "\"pg_catalog\""])
        await connection.close()
        #expect(try PostgresConfiguration("application_name=shop").applicationName == "shop")
    }

    @Test func aPasswordIsShownNowhere() async throws {
        let configuration = try PostgresConfiguration("postgresql://shop:hunter2@db.example,db2.example:5433/shop")
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in [configuration.description, configuration.debugDescription, "\(configuration)", dumped] {
            #expect(!text.contains("hunter2"))
            #expect(text.contains("db.example"))
        }
        let error = #expect(throws: StorageError.self) {
            try PostgresConfiguration("postgresql://shop:hunter2%zz@db/shop")
        }
        #expect(error?.code == .unsuitablePath)
        #expect(error?.description.contains("hunter2") == false)
        let refused = try await postgresError {
            _ = try await connect(PostgresConfiguration("postgresql://shop:hunter2@127.0.0.1:1/shop"))
        }
        #expect(!refused.description.contains("hunter2"))
    }

    @Test func aBadSettingIsNamed() throws {
        func message(_ change: (inout PostgresConfiguration) -> Void) throws -> String {
            var configuration = try PostgresConfiguration("host=localhost")
            change(&configuration)
            let error = #expect(throws: StorageError.self) { try configuration.validate() }
            return error?.message ?? ""
        }
        #expect(try message { $0.maxConnections = 0 }.hasPrefix("maxConnections"))
        #expect(try message { $0.connectTimeout = .zero }.hasPrefix("connectTimeout"))
        #expect(try message { $0.statementTimeout = .zero }.hasPrefix("statementTimeout"))
        #expect(try message { $0.idleInTransactionTimeout = .seconds(1 << 40) }.hasPrefix("idleInTransactionTimeout"))
        #expect(try message { $0.applicationName = "a\0" }.hasPrefix("applicationName"))
        #expect(try message { $0.schema = "a\0" }.hasPrefix("schema"))
        #expect(try message { $0.tls = .verifyFull(rootCertificates: "/nowhere.crt") }.hasPrefix("tls"))
        for (string, word) in [
            ("host=a port=x", "port"), ("host=a,b,c port=1,2", "port"), ("host=a,b hostaddr=127.0.0.1", "hostaddr"),
            ("host=a sslmode=maybe", "sslmode"), ("host=a connect_timeout=x", "connect_timeout"),
            ("host=a\0b", "the connection string"),
        ] {
            let error = #expect(throws: StorageError.self) { try PostgresConfiguration(string) }
            #expect(error?.message.hasPrefix(word) == true)
        }
    }
}
#endif

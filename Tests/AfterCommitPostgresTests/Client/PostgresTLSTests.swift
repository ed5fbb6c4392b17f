#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import Foundation
import TestSupport
import Testing

@Suite struct PostgresTLSTests {
    private func connect(
        _ url: String, host: String, _ tls: PostgresConfiguration.TLS?, _ options: String = ""
    ) async throws -> Bool {
        let port = try #require(URLComponents(string: url)?.port)
        let configuration = try PostgresConfiguration(
            "postgresql://postgres@\(host):\(port)/postgres\(options)", tls: tls)
        return try await onOwnThread("test-session") {
            try PostgresSession.connect(configuration, interrupt: Interrupt(), time: TimeSource(ContinuousClock()))
                .isEncrypted
        }
    }

    private func encrypted() async throws -> PrivatePostgres {
        try await onOwnThread("start-postgres") { try PrivatePostgres.encrypted() }
    }

    @Test func aServerWithoutTLSIsRefusedWhereTLSIsRequired() async throws {
        let url = try await TestDatabase().url
        for tls: PostgresConfiguration.TLS in [.require, .verifyCA(), .verifyFull()] {
            let error = try await postgresError { _ = try await connect(url, host: "127.0.0.1", tls) }
            #expect(error.message.contains("SSL"))
        }
        for tls: PostgresConfiguration.TLS? in [.disable, .prefer, nil] {
            #expect(try await connect(url, host: "127.0.0.1", tls) == false)
        }
    }

    @Test func aCertificateIsCheckedAsFarAsAskedFor() async throws {
        let server = try await encrypted()
        let root = server.certificate
        #expect(try await connect(server.url, host: "127.0.0.1", .disable) == false)
        for tls: PostgresConfiguration.TLS? in [nil, .prefer, .require, .verifyCA(rootCertificates: root)] {
            #expect(try await connect(server.url, host: "127.0.0.1", tls))
        }
        #expect(try await connect(server.url, host: "localhost", .verifyFull(rootCertificates: root)))
        // It names another host, and no authority of the system's signed it.
        for (host, tls): (String, PostgresConfiguration.TLS) in [
            ("127.0.0.1", .verifyFull(rootCertificates: root)), ("localhost", .verifyFull()),
            ("localhost", .verifyCA()),
        ] {
            let error = try await postgresError { _ = try await connect(server.url, host: host, tls) }
            #expect(error.message.contains("certificate"))
        }
    }

    @Test func whatTheConnectionStringSaysWins() async throws {
        let server = try await encrypted()
        let plain = "?sslmode=disable"
        #expect(try await connect(server.url, host: "localhost", .verifyFull(), plain) == false)
        let checked = "?sslmode=verify-full&sslrootcert=\(server.certificate)"
        #expect(try await connect(server.url, host: "localhost", .disable, checked))
        let error = try await postgresError { _ = try await connect(server.url, host: "127.0.0.1", .disable, checked) }
        #expect(error.message.contains("certificate"))
        // It may leave the authorities to the program.
        let tls = PostgresConfiguration.TLS.verifyCA(rootCertificates: server.certificate)
        #expect(try await connect(server.url, host: "localhost", tls, "?sslmode=verify-full"))
    }

    /// Of sizes around those of TLS's records and libpq's buffer.
    @Test(.timeLimit(.minutes(2))) func largeAnswersArriveThroughTLS() async throws {
        let configuration = try PostgresConfiguration(try await encrypted().url, tls: .require, statementTimeout: nil)
        let sizes = (1...40).map { $0 * 1_024 } + (1...40).map { $0 * 8_192 - 7 } + [1_000_000, 10_000_000]
        let counts = try await onOwnThread("test-session") {
            let session = try PostgresSession.connect(
                configuration, interrupt: Interrupt(), time: TimeSource(ContinuousClock()))
            return try sizes.map { size in
                try session.execute("SELECT repeat('x', $1)", [.int32(Int32(size))]).first().text(0).utf8.count
            }
        }
        #expect(counts == sizes)
    }

    private func mode(_ text: String, _ tls: PostgresConfiguration.TLS? = nil) throws -> [String?] {
        var random = Xoshiro256(seed: 1)
        let configuration = try PostgresConfiguration(text, tls: tls)
        return configuration.places(random: &random).map { configuration.parameters(for: $0)["sslmode"] }
    }

    @Test func anotherMachineIsNotSpokenToInPlainText() throws {
        #expect(try mode("postgresql://db.example/shop") == ["require"])
        #expect(try mode("postgresql://db.example/shop", .verifyFull()) == ["verify-full"])
        #expect(try mode("postgresql://db.example/shop", .prefer) == ["prefer"])
        #expect(try mode("postgresql://db.example/shop?sslmode=prefer") == ["prefer"])
        #expect(try mode("postgresql://db.example/shop?sslmode=verify-full", .disable) == ["verify-full"])
        // A name may look like loopback, and an address says more than a name.
        for other in [
            "postgresql://127.0.0.1.example/x", "postgresql://10.0.0.1/x", "postgresql://[fe80::1]/x",
            "host=localhost hostaddr=10.0.0.1", "host=0.0.0.0",
        ] {
            #expect(try mode(other) == ["require"])
        }
        for local in [
            "postgresql://localhost/x", "postgresql://127.0.0.1/x", "postgresql://127.1.2.3/x", "postgresql://[::1]/x",
            "host=/run/postgresql", "dbname=x", "host=db.example hostaddr=127.0.0.1",
        ] {
            #expect(try mode(local) == [nil])
        }
        // Each host of a list by itself.
        #expect(try mode("host=localhost,db.example") == [nil, "require"])
    }

    @Test func theEnvironmentCountsAsSaid() throws {
        #expect(try ConnectionOptions("host=db.example", environment: ["PGSSLMODE": "prefer"])["sslmode"] == "prefer")
        let options = try ConnectionOptions("sslmode=require", environment: ["PGSSLMODE": "prefer", "PGHOST": "a,b"])
        #expect(options["sslmode"] == "require")
        #expect(options.hosts.map(\.name) == ["a", "b"])
        // Only libpq knows where a service is.
        let error = #expect(throws: StorageError.self) { try PostgresConfiguration("service=shop").validate() }
        #expect(error?.message.contains("service") == true)
        try PostgresConfiguration("service=shop sslmode=prefer").validate()
        try PostgresConfiguration("service=shop", tls: .require).validate()
    }
}
#endif

#if HTTP
import AfterCommit
import AfterCommitHTTP
import AsyncHTTPClient
import NIOHTTP1
import NIOSSL
import Testing

@Suite("Fault 38: no connection, or none that can be trusted")
struct Fault38ConnectionTests {
    /// A name that no DNS knows: who gets there got there through the test's resolver.
    private let host = "receiver.test"

    /// Delivers to a receiver with `certificate`, to a client that trusts `authority`.
    private func outcome(_ certificate: TestCertificate, trusting authority: TestCertificate) async throws -> String? {
        let receiver = try await Receiver(tls: certificate.serverContext()) { _ in .answer(.ok) }
        var configuration = HTTPClient.Configuration.eventDelivery()
        configuration.tlsConfiguration = .makeClientConfiguration()
        configuration.tlsConfiguration?.trustRoots = .certificates([try authority.nioCertificate()])
        let error = try await withClient(configuration, resolver: ScriptedResolver(["127.0.0.1"])) {
            client async throws in
            try await client.outcome(
                url: "https://\(host):\(receiver.port)/", .loopback { $0.wallClock = SystemWallClock() })
        }
        // Nobody who is not trusted gets to see the event.
        #expect(receiver.requestCount == (error == nil ? 1 : 0))
        await receiver.stop()
        return error?.summary
    }

    @Test("Fault 38: a certificate that is right for the URL's host is accepted at the resolved address")
    func trusted() async throws {
        let authority = try TestCertificate("authority.test")
        #expect(try await outcome(TestCertificate(host, issuer: authority), trusting: authority) == nil)
    }

    @Test("Fault 38: an expired certificate")
    func expired() async throws {
        let authority = try TestCertificate("authority.test")
        let certificate = try TestCertificate(host, issuer: authority, days: -9...(-1))
        #expect(try await outcome(certificate, trusting: authority) == "tls.expired")
    }

    @Test("Fault 38: a certificate that is not valid yet")
    func notYetValid() async throws {
        let authority = try TestCertificate("authority.test")
        let certificate = try TestCertificate(host, issuer: authority, days: 1...9)
        #expect(try await outcome(certificate, trusting: authority) == "tls.not-yet-valid")
    }

    @Test("Fault 38: a self-signed certificate")
    func selfSigned() async throws {
        let authority = try TestCertificate("authority.test")
        #expect(try await outcome(TestCertificate(host), trusting: authority) == "tls.self-signed")
    }

    @Test("Fault 38: a certificate of an authority that nobody trusts")
    func untrusted() async throws {
        let authority = try TestCertificate("authority.test")
        let certificate = try TestCertificate(host, issuer: TestCertificate("other-authority.test"))
        #expect(try await outcome(certificate, trusting: authority) == "tls.untrusted")
    }

    @Test("Fault 38: another host's certificate")
    func wrongHost() async throws {
        let authority = try TestCertificate("authority.test")
        let certificate = try TestCertificate("other.test", issuer: authority)
        #expect(try await outcome(certificate, trusting: authority) == "tls.wrong-host")
    }

    @Test("Fault 38: a plain server behind https, which gets no plain request")
    func noTLS() async throws {
        let receiver = try await Receiver { _ in .answer(.ok) }
        try await withClient { client async throws in
            #expect(try await client.outcome(url: "https://127.0.0.1:\(receiver.port)/")?.summary == "tls")
        }
        #expect(receiver.requestCount == 0)
        await receiver.stop()
    }

    @Test("Fault 38: a TLS server behind http")
    func plain() async throws {
        let receiver = try await Receiver(tls: TestCertificate(host).serverContext()) { _ in .answer(.ok) }
        try await withClient { client async throws in
            #expect(try await client.outcome(url: receiver.url)?.summary == "connection")
        }
        await receiver.stop()
    }

    @Test("Fault 38: a refused connection, without the client's own retries")
    func refused() async throws {
        let receiver = try await Receiver { _ in .silence }
        await receiver.stop()
        try await withClient { client async throws in
            #expect(try await client.outcome(url: receiver.url)?.summary == "connection.refused")
        }
    }

    @Test("Fault 38: a name that does not resolve")
    func unresolvable() async throws {
        try await withClient { client async throws in
            // RFC 6761 keeps this name from ever resolving.
            #expect(try await client.outcome(url: "http://receiver.invalid/")?.summary == "dns")
        }
        try await withClient(resolver: ScriptedResolver([])) { client async throws in
            #expect(try await client.outcome(url: "http://receiver.test/")?.summary == "dns")
        }
    }

    @Test("Fault 38: a name whose first address refuses is delivered to at its second, which is then the first")
    func secondAddress() async throws {
        let receiver = try await Receiver { _ in .answer(.ok) }
        let resolver = ScriptedResolver(["::1", "127.0.0.1"])
        try await withClient(resolver: resolver) { client async throws in
            #expect(try await client.outcome(url: "http://\(host):\(receiver.port)/") == nil)
            #expect(try await client.outcome(url: "http://\(host):\(receiver.port)/") == nil)
        }
        let request = try #require(await receiver.requests.first { _ in true })
        #expect(request.head.headers["host"] == ["\(host):\(receiver.port)"])
        #expect(receiver.connectionCount == 1)
        await receiver.stop()
    }
}
#endif

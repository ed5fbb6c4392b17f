#if HTTP
import AfterCommit
import AfterCommitHTTP
import AsyncHTTPClient
import NIOHTTP1
import Testing

@Suite("Fault 39: redirects and addresses that are not to be reached")
struct Fault39AddressTests {
    private let host = "receiver.test"

    /// Delivers to the name of a receiver on loopback, which DNS answers so.
    private func outcome(
        dns: [String], rules: AddressRules = .publicOnly
    ) async throws -> (error: String?, connections: Int) {
        let receiver = try await Receiver { _ in .answer(.ok) }
        let error = try await withClient(resolver: ScriptedResolver(dns)) { client async throws in
            try await client.outcome(url: "http://\(host):\(receiver.port)/", .patient(rules))
        }
        await receiver.stop()
        return (error?.summary, receiver.connectionCount)
    }

    @Test(
        "Fault 39: a DNS answer that is not public is a failed attempt, and nothing connects",
        arguments: [
            "127.0.0.1", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "64:ff9b::127.0.0.1", "2002:7f00:1::",
            "10.0.0.1", "169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "fe80::1", "fc00::1", "0.0.0.0",
            "::", "100.64.0.1", "224.0.0.1", "ff02::1", "255.255.255.255",
        ])
    func refused(address: String) async throws {
        let result = try await outcome(dns: [address])
        #expect(result.error == "http.address-refused")
        #expect(result.connections == 0)
    }

    @Test(
        "Fault 39: what is allowed is delivered to, as a v4-mapped address too",
        arguments: ["127.0.0.1", "::ffff:127.0.0.1"])
    func allowed(address: String) async throws {
        let result = try await outcome(dns: [address], rules: .publicOnly.allowing(.loopback))
        #expect(result.error == nil)
        #expect(result.connections == 1)
    }

    @Test("Fault 39: among several addresses only the allowed ones are tried")
    func several() async throws {
        let dns = ["10.255.255.1", "169.254.169.254", "127.0.0.1"]
        #expect(try await outcome(dns: dns, rules: .publicOnly.allowing(.loopback)).error == nil)
        // The receiver is on loopback, so it would have been found had the others been tried in turn.
        #expect(try await outcome(dns: dns, rules: .init(kinds: [.multicast])).error == "http.address-refused")
    }

    @Test("Fault 39: one kind that is allowed allows no other")
    func otherKind() async throws {
        let rules = AddressRules.publicOnly.allowing(.private, .linkLocal, .carrierGradeNAT)
        #expect(try await outcome(dns: ["127.0.0.1"], rules: rules).error == "http.address-refused")
        #expect(try await outcome(dns: ["169.254.169.254"], rules: rules).error == "http.address-refused")
    }

    @Test("Fault 39: the address that was checked is the one connected to, whatever DNS says a moment later")
    func rebinding() async throws {
        let receiver = try await Receiver { _ in .answer(.ok) }
        // Real DNS does not know this name: a client that asked on its own would not get anywhere.
        let resolver = ScriptedResolver(["127.0.0.1"], ["10.255.255.1"])
        try await withClient(resolver: resolver) { client async throws in
            let rules = AddressRules(kinds: [.loopback])
            #expect(try await client.outcome(url: "http://\(host):\(receiver.port)/", .patient(rules)) == nil)
            #expect(resolver.lookups == [host])
        }
        await receiver.stop()
    }

    @Test("Fault 39: a name that comes to mean another address is checked again, open connections or not")
    func changedName() async throws {
        let receiver = try await Receiver { _ in .answer(.ok) }
        let resolver = ScriptedResolver(["127.0.0.1"], ["10.255.255.1"], ["127.0.0.1"])
        try await withClient(resolver: resolver, resolutionLifetime: .zero) { client async throws in
            let url = "http://\(host):\(receiver.port)/"
            #expect(try await client.outcome(url: url) == nil)
            #expect(try await client.outcome(url: url)?.summary == "http.address-refused")
            #expect(try await client.outcome(url: url) == nil)
            #expect(resolver.lookups.count == 3)
        }
        await receiver.stop()
    }

    @Test(
        "Fault 39: this machine under other names",
        arguments: ["localhost", "LOCALHOST.", "127.1", "0177.0.0.1", "2130706433", "0x7f000001", "0"])
    func otherNames(name: String) async throws {
        let receiver = try await Receiver { _ in .answer(.ok) }
        let error = try await withClient { client async throws in
            try await client.outcome(url: "http://\(name):\(receiver.port)/", .patient())?.summary
        }
        // A system whose resolver does not read the short forms knows no such name.
        #expect(error == "http.address-refused" || error == "dns")
        if name == "localhost" { #expect(error == "http.address-refused") }
        #expect(receiver.connectionCount == 0)
        await receiver.stop()
    }

    @Test(
        "Fault 39: a URL with such an address in it is refused when the sink is made",
        arguments: ["127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "169.254.169.254", "[fd00:ec2::254]", "0.0.0.0"])
    func literal(host: String) {
        let error = #expect(throws: HTTPEventSinkError.self) {
            try HTTPEventSink(client: HTTPDeliveryClient(), url: "http://\(host)/")
        }
        #expect(error?.code == .addressRefused)
    }

    @Test("Fault 39: no override of the client's DNS gets around the rules")
    func override() async throws {
        let receiver = try await Receiver { _ in .answer(.ok) }
        var configuration = HTTPClient.Configuration.eventDelivery()
        configuration.dnsOverride = [host: "127.0.0.1", "8.8.8.8": "127.0.0.1"]
        try await withClient(configuration) { client async throws in
            let url = "http://\(host):\(receiver.port)/"
            #expect(try await client.outcome(url: url, .patient())?.summary == "http.address-refused")
            #expect(try await client.outcome(url: url) == nil)
        }
        #expect(receiver.requestCount == 1)
        await receiver.stop()
    }

    @Test("Fault 39: no redirect is followed, though the client is asked to", arguments: [301, 302, 303, 307, 308])
    func redirect(status: Int) async throws {
        let receiver = try await Receiver { request in
            request.head.uri == "/mock/orders"
                ? .answer(.init(statusCode: status), headers: [("location", "/other")]) : .answer(.ok)
        }
        try await withClient(.init(redirectConfiguration: .follow(max: 5, allowCycles: false))) { client async throws in
            #expect(try await client.outcome(url: receiver.url)?.summary == "permanent http.\(status)")
            // The next request that arrives is the next delivery's, so no other came between.
            _ = try await client.outcome(url: receiver.url)
        }
        await receiver.stop()
        var paths: [String] = []
        for await request in receiver.requests.prefix(2) { paths.append(request.head.uri) }
        #expect(paths == ["/mock/orders", "/mock/orders"])
    }

    @Test("Fault 39: the error names the address and what to do")
    func description() async throws {
        try await withClient(resolver: ScriptedResolver(["::ffff:10.0.0.1"])) { client async throws in
            let error = try await client.outcome(url: "https://\(host)/secret-path", .patient())
            let text = error.map { "\($0)" } ?? ""
            #expect(text.contains("private") && text.contains("10.0.0.1") && text.contains("addresses"))
            #expect(!text.contains("secret-path"))
        }
    }
}
#endif

#if HTTP
import AfterCommit
import AfterCommitHTTP
import AsyncHTTPClient
import Foundation
import NIOHTTP1
import Testing

@Suite("What an answer means")
struct OutcomeTests {
    @Test("2xx is delivered", arguments: [200, 201, 202, 204])
    func delivered(status: Int) async throws {
        #expect(try await outcome(of: .answer(.init(statusCode: status))) == nil)
    }

    @Test("trouble that may pass is tried again", arguments: [408, 425, 429, 500, 502, 503, 504, 599])
    func transient(status: Int) async throws {
        #expect(try await outcome(of: .answer(.init(statusCode: status)))?.summary == "http.\(status)")
    }

    @Test(
        "everything else is permanent, redirects too",
        arguments: [300, 301, 302, 303, 304, 307, 308, 400, 401, 404, 409, 410, 422])
    func permanent(status: Int) async throws {
        let error = try await outcome(of: .answer(.init(statusCode: status), headers: [("location", "/elsewhere")]))
        #expect(error?.summary == "permanent http.\(status)")
    }

    @Test("the status is kept for the dead letter")
    func status() async throws {
        let error = try #require(try await outcome(of: .answer(.serviceUnavailable)) as? HTTPDeliveryError)
        #expect(error.failureStatus == 503)
        #expect(error.description == "127.0.0.1 answered with status 503")
    }

    @Test(
        "Retry-After delays the retry",
        arguments: [
            ("7", "retry(7) http.503"), ("0", "retry(0) http.503"),
            ("Sat, 22 Aug 2026 10:16:30 GMT", "retry(59) http.503"),
            ("99999999999999999999999", "retry(86400) http.503"),
            ("Sat, 22 Aug 2009 10:16:30 GMT", "retry(0) http.503"), ("soon", "http.503"), ("-5", "http.503"),
        ])
    func retryAfter(value: String, expected: String) async throws {
        let reply = Reply.answer(.serviceUnavailable, headers: [("retry-after", value)])
        #expect(try await outcome(of: reply)?.summary == expected)
    }

    @Test("no redirect is followed")
    func redirect() async throws {
        let receiver = try await Receiver { request in
            request.head.uri == "/mock/orders"
                ? .answer(.temporaryRedirect, headers: [("location", "/other")]) : .answer(.ok)
        }
        try await withClient { client in
            let sink = try HTTPEventSink(client: client, url: receiver.url)
            let error = await #expect(throws: HandlerOutcome.self) {
                try await sink.send(Data(), context: Fixtures.context())
            }
            #expect(error?.summary == "permanent http.307")
            // The next request that arrives is the next delivery's, so no other came between.
            try? await sink.send(Data(), context: Fixtures.context())
        }
        await receiver.stop()
        var paths: [String] = []
        for await request in receiver.requests.prefix(2) { paths.append(request.head.uri) }
        #expect(paths == ["/mock/orders", "/mock/orders"])
    }

    @Test("a client that follows redirects is told apart, though the event arrived somewhere")
    func followedRedirect() async throws {
        let receiver = try await Receiver { request in
            request.head.uri == "/mock/orders"
                ? .answer(.seeOther, headers: [("location", "/other")]) : .answer(.ok)
        }
        try await withClient(.init()) { client in
            let sink = try HTTPEventSink(client: client, url: receiver.url)
            let error = await #expect(throws: HandlerOutcome.self) {
                try await sink.send(Data(), context: Fixtures.context())
            }
            #expect(error?.summary == "permanent redirect")
        }
        await receiver.stop()
    }

    @Test("a connection that ends without an answer is tried again")
    func hangUp() async throws {
        #expect(try await outcome(of: .hangUp)?.summary == "connection")
    }

    @Test("a refused connection is tried again, at once and without the client's own retries")
    func refused() async throws {
        let receiver = try await Receiver { _ in .silence }
        await receiver.stop()
        try await withClient { client in
            let sink = try HTTPEventSink(client: client, url: receiver.url)
            let error = await #expect(throws: HTTPDeliveryError.self) {
                try await sink.send(Data(), context: Fixtures.context())
            }
            #expect(error?.failureType == "connection")
        }
    }

    @Test("a client that was shut down before the engine is a failed attempt, not the event's fault")
    func clientShutDown() async throws {
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .eventDelivery())
        try await client.shutdown()
        let sink = try HTTPEventSink(client: client, url: "http://127.0.0.1:9/")
        let error = await #expect(throws: HTTPDeliveryError.self) {
            try await sink.send(Data(), context: Fixtures.context())
        }
        #expect(error?.failureType == "connection")
    }

    @Test("a plain server behind https is a TLS failure, tried again")
    func noTLS() async throws {
        let receiver = try await Receiver { _ in .answer(.ok) }
        try await withClient { client in
            let sink = try HTTPEventSink(client: client, url: "https://127.0.0.1:\(receiver.port)/")
            let error = await #expect(throws: HTTPDeliveryError.self) {
                try await sink.send(Data(), context: Fixtures.context())
            }
            #expect(error?.failureType == "tls")
        }
        await receiver.stop()
    }

    @Test("a name that does not resolve is tried again")
    func unresolvable() async throws {
        try await withClient { client in
            // RFC 6761 keeps this name from ever resolving.
            let sink = try HTTPEventSink(client: client, url: "http://receiver.invalid/")
            let error = await #expect(throws: HTTPDeliveryError.self) {
                try await sink.send(Data(), context: Fixtures.context())
            }
            #expect(error?.failureType == "dns")
        }
    }
}
#endif

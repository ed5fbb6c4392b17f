#if HTTP
import AfterCommit
import AfterCommitHTTP
import Foundation
import NIOHTTP1
import Testing

@Suite("Fault 37: a receiver that misbehaves")
struct Fault37BodyTests {
    /// The error of a delivery whose deadline passes once the receiver has the request.
    private func errorAtDeadline(of reply: Reply) async throws -> (any Error)? {
        let clock = DeadlineClock()
        let receiver = try await Receiver { _ in reply }
        let error = try await withClient { client -> (any Error)? in
            let sink = try HTTPEventSink(
                client: client, url: receiver.url,
                configuration: .loopback {
                    $0.timeout = .seconds(5)
                    $0.clock = clock
                })
            async let sending: Void = sink.send(Data(), context: Fixtures.context())
            #expect(await clock.deadlines.first { _ in true } == .seconds(5))
            #expect(await receiver.requests.first { _ in true } != nil)
            clock.expire()
            do {
                try await sending
                return nil
            } catch {
                // The connection is gone: what the receiver would still send has nowhere to go.
                #expect(await receiver.closedConnections.first { _ in true } == 1)
                return error
            }
        }
        await receiver.stop()
        return error
    }

    @Test("Fault 37: no answer at all ends at the deadline")
    func silence() async throws {
        #expect(try await errorAtDeadline(of: .silence)?.summary == "timeout")
    }

    @Test(
        "Fault 37: an answer that never closes ends at the deadline, whatever its status",
        arguments: [
            Reply.unfinished(.ok), .unfinished(.serviceUnavailable),
            .raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", then: .wait),
            .raw("HTTP/1.1 200 OK\r\nContent-Le", then: .wait),
        ])
    func neverCloses(reply: Reply) async throws {
        #expect(try await errorAtDeadline(of: reply)?.summary == "timeout")
    }

    @Test(
        "Fault 37: an answer that comes byte by byte ends at the deadline, though it is never idle",
        arguments: [
            Reply.raw("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", then: .drip(".")),
            .raw("HTTP/1.1 200 OK\r\n", then: .drip("x-y: z\r\n")),
            // No parser limits the status line's reason: only the deadline ends this one.
            .raw("HTTP/1.1 200 ", then: .drip("OK")),
            .raw("", then: .drip("HTTP/1.1 102 Processing\r\n\r\n")),
        ])
    func drip(reply: Reply) async throws {
        #expect(try await errorAtDeadline(of: reply)?.summary == "timeout")
    }

    @Test(
        "Fault 37: a receiver that goes quiet is left after the idle timeout, long before the deadline",
        arguments: [
            Reply.silence, .unfinished(.ok), .raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", then: .wait),
        ])
    func idle(reply: Reply) async throws {
        let receiver = try await Receiver { _ in reply }
        try await withClient(.eventDelivery(idleTimeout: .milliseconds(50))) { client async throws in
            let error = try await client.outcome(url: receiver.url, .loopback { $0.timeout = .seconds(3600) })
            #expect(error?.summary == "timeout")
            #expect(await receiver.closedConnections.first { _ in true } == 1)
        }
        await receiver.stop()
    }

    @Test(
        "Fault 37: a partial answer is a failed attempt",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 2",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "",
        ])
    func partial(bytes: String) async throws {
        #expect(try await outcome(of: .raw(bytes, then: .close))?.summary == "connection")
    }

    @Test(
        "Fault 37: a wrong length, or what is no HTTP, is a failed attempt",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 20x OK\r\n\r\n", "\u{0}\u{1}\u{2}\u{3}",
        ])
    func wrongLength(bytes: String) async throws {
        let receiver = try await Receiver { _ in .raw(bytes, then: .wait) }
        try await withClient { client async throws in
            #expect(try await client.outcome(url: receiver.url)?.summary == "connection")
            #expect(await receiver.closedConnections.first { _ in true } == 1)
        }
        await receiver.stop()
    }

    @Test("Fault 37: a body longer than its length does not become the next delivery's answer")
    func tooLong() async throws {
        let smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        let receiver = try await Receiver { request in
            request.connection == 1
                ? .raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab\(smuggled)", then: .wait) : .answer(.badRequest)
        }
        try await withClient { client async throws in
            #expect(try await client.outcome(url: receiver.url) == nil)
            #expect(await receiver.closedConnections.first { _ in true } == 1)
            // On a new connection, or on the old one where the pool has not seen its end yet: never delivered.
            let next = try await client.outcome(url: receiver.url)?.summary ?? "delivered"
            #expect(["permanent http.400", "connection"].contains(next))
        }
        await receiver.stop()
    }

    @Test("Fault 37: a body that never ends is cut at the cap, and its status decides")
    func endless() async throws {
        #expect(try await outcome(of: .endless(.ok)) == nil)
        #expect(try await outcome(of: .endless(.serviceUnavailable))?.summary == "http.503")
    }

    @Test("Fault 37: the connection is dropped at the cap, and only then")
    func connections() async throws {
        let receiver = try await Receiver { request in
            request.body == "endless" ? .endless(.ok) : .answer(.ok, body: String(repeating: "x", count: 65_536))
        }
        try await withClient { client async throws in
            let sink = try HTTPEventSink(client: client, url: receiver.url, configuration: .loopback())
            for body in ["a", "b", "endless", "c"] {
                try await sink.send(Data(body.utf8), context: Fixtures.context())
                if body == "endless" { #expect(await receiver.closedConnections.first { _ in true } == 1) }
            }
        }
        await receiver.stop()
        var connections: [Int] = []
        for await request in receiver.requests.prefix(4) { connections.append(request.connection) }
        #expect(connections == [1, 1, 1, 2])
    }

    @Test(
        "Fault 37: huge headers are a failed attempt",
        arguments: [
            Reply.answer(.ok, headers: [("x-huge", String(repeating: "x", count: 1_000_000))]),
            .raw("HTTP/1.1 200 OK\r\n", then: .pour("x-more: of this\r\n")),
        ])
    func hugeHeaders(reply: Reply) async throws {
        #expect(try await outcome(of: reply)?.summary == "connection")
    }

    @Test("Fault 37: no timer of the sink runs where the engine's is stricter")
    func engineTimer() async throws {
        let clock = DeadlineClock()
        clock.expire()
        let receiver = try await Receiver { _ in .answer(.ok) }
        try await withClient { client async throws in
            let sink = try HTTPEventSink(
                client: client, url: receiver.url,
                configuration: .loopback {
                    $0.timeout = .seconds(5)
                    $0.clock = clock
                })
            try await sink.send(Data(), context: Fixtures.context(timeout: .seconds(3)))
        }
        await receiver.stop()
    }

    @Test("Fault 37: a delivery does not outlive the attempt's cancellation")
    func cancellation() async throws {
        let receiver = try await Receiver { _ in .unfinished(.ok) }
        try await withClient { client async throws in
            let sink = try HTTPEventSink(client: client, url: receiver.url, configuration: .loopback())
            let sending = Task { try await sink.send(Data(), context: Fixtures.context(timeout: .seconds(3))) }
            #expect(await receiver.requests.first { _ in true } != nil)
            sending.cancel()
            await #expect(throws: CancellationError.self) { try await sending.value }
        }
        await receiver.stop()
    }
}
#endif

#if HTTP
import AfterCommit
import AfterCommitHTTP
import Foundation
import NIOHTTP1
import Testing

@Suite("A receiver that misbehaves")
struct AbuseTests {
    /// The error of a delivery whose deadline passes once the receiver has the request.
    private func errorAtDeadline(of reply: Reply) async throws -> (any Error)? {
        let clock = DeadlineClock()
        let receiver = try await Receiver { _ in reply }
        let error = try await withClient { client -> (any Error)? in
            let sink = try HTTPEventSink(
                client: client, url: receiver.url, configuration: .init(timeout: .seconds(5), clock: clock))
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

    @Test("that answers nothing ends at the deadline")
    func silence() async throws {
        #expect(try await errorAtDeadline(of: .silence)?.summary == "timeout")
    }

    @Test("that drips its body ends at the deadline, whatever its status", arguments: [200, 503])
    func drip(status: Int) async throws {
        #expect(try await errorAtDeadline(of: .unfinished(.init(statusCode: status)))?.summary == "timeout")
    }

    @Test("whose body never ends is cut at the cap, and its status decides")
    func endless() async throws {
        #expect(try await outcome(of: .endless(.ok)) == nil)
        #expect(try await outcome(of: .endless(.serviceUnavailable))?.summary == "http.503")
    }

    @Test("loses its connection at the cap, and only then")
    func connections() async throws {
        let receiver = try await Receiver { request in
            request.body == "endless" ? .endless(.ok) : .answer(.ok, body: String(repeating: "x", count: 65_536))
        }
        try await withClient { client in
            let sink = try HTTPEventSink(client: client, url: receiver.url)
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

    @Test("whose headers are huge is a broken connection")
    func hugeHeaders() async throws {
        let reply = Reply.answer(.ok, headers: [("x-huge", String(repeating: "x", count: 1_000_000))])
        #expect(try await outcome(of: reply)?.summary == "connection")
    }

    @Test("needs no timer of the sink where the engine's is stricter")
    func engineTimer() async throws {
        let clock = DeadlineClock()
        clock.expire()
        let receiver = try await Receiver { _ in .answer(.ok) }
        try await withClient { client in
            let sink = try HTTPEventSink(
                client: client, url: receiver.url, configuration: .init(timeout: .seconds(5), clock: clock))
            try await sink.send(Data(), context: Fixtures.context(timeout: .seconds(3)))
        }
        await receiver.stop()
    }

    @Test("does not outlive the attempt's cancellation")
    func cancellation() async throws {
        let receiver = try await Receiver { _ in .unfinished(.ok) }
        try await withClient { client in
            let sink = try HTTPEventSink(client: client, url: receiver.url)
            let sending = Task { try await sink.send(Data(), context: Fixtures.context(timeout: .seconds(3))) }
            #expect(await receiver.requests.first { _ in true } != nil)
            sending.cancel()
            await #expect(throws: CancellationError.self) { try await sending.value }
        }
        await receiver.stop()
    }
}
#endif

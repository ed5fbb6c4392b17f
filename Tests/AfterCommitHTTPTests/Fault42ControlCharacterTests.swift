#if HTTP
import AfterCommit
import AfterCommitHTTP
import AfterCommitTesting
import Foundation
import Logging
import NIOHTTP1
import Synchronization
import Testing

@Suite("Fault 42: control characters")
struct Fault42ControlCharacterTests {
    private static let evil = "a\r\nx-evil: 1\r\n\r\n\u{0}\u{1B}[2J\u{85}\u{2028}"

    private func request(
        for envelope: Envelope, subscription: String = "data-platform", _ mode: HTTPEventSinkConfiguration.ContentMode
    ) async throws -> ReceivedRequest {
        let receiver = try await Receiver { _ in .answer(.ok) }
        try await withClient { client async throws in
            let context = Fixtures.context(envelope, subscription: subscription)
            let configuration = HTTPEventSinkConfiguration.loopback {
                $0.contentMode = mode
                $0.webhookSecrets = Fixtures.secrets
            }
            #expect(try await client.outcome(url: receiver.url, context: context, configuration) == nil)
        }
        #expect(receiver.requestCount == 1)
        await receiver.stop()
        return try #require(await receiver.requests.first { _ in true })
    }

    @Test(
        "Fault 42: types, sources, keys, headers and subscriptions smuggle no header line",
        arguments: [HTTPEventSinkConfiguration.ContentMode.binary, .structured])
    func injection(mode: HTTPEventSinkConfiguration.ContentMode) async throws {
        let envelope = Fixtures.envelope(
            type: EventType(rawValue: Self.evil), source: Self.evil, key: Self.evil,
            headers: ["foo": Self.evil])
        let request = try await request(for: envelope, subscription: Self.evil, mode)
        #expect(request.head.headers["x-evil"].isEmpty)
        #expect(!request.head.headers.contains { $0.value.unicodeScalars.contains { $0.value < 0x20 } })
        #expect(!request.body.unicodeScalars.contains { $0.value < 0x20 })
        guard mode == .structured else {
            let escaped = "a%0D%0Ax-evil:%201%0D%0A%0D%0A%00%1B[2J%C2%85%E2%80%A8"
            for name in ["ce-type", "ce-source", "ce-subject", "ce-partitionkey", "ce-foo"] {
                #expect(request.head.headers[name] == [escaped])
            }
            return
        }
        // Nothing is lost on the way, either.
        let event = try #require(try JSONSerialization.jsonObject(with: Data(request.body.utf8)) as? [String: Any])
        for name in ["type", "source", "subject", "partitionkey", "foo"] {
            #expect(event[name] as? String == Self.evil)
        }
    }

    @Test(
        "Fault 42: a header's name with control characters makes a dead letter, not a header",
        arguments: [HTTPEventSinkConfiguration.ContentMode.binary, .structured])
    func headerName(mode: HTTPEventSinkConfiguration.ContentMode) async throws {
        let receiver = try await Receiver { _ in .answer(.ok) }
        let context = Fixtures.context(Fixtures.envelope(headers: ["foo\r\nx-evil": "1"]))
        try await withClient { client async throws in
            let error = try await client.outcome(
                url: receiver.url, context: context, .loopback { $0.contentMode = mode })
            #expect(error?.summary == "permanent request")
            #expect(error.map { "\($0)" }?.contains("\n") == false)
        }
        #expect(receiver.requestCount == 0)
        await receiver.stop()
    }

    @Test("Fault 42: a content type with control characters makes a dead letter in binary mode")
    func contentType() async throws {
        let receiver = try await Receiver { _ in .answer(.ok) }
        let context = Fixtures.context(Fixtures.envelope(contentType: "a\r\nx-evil: 1"))
        try await withClient { client async throws in
            #expect(try await client.outcome(url: receiver.url, context: context)?.summary == "permanent request")
        }
        #expect(receiver.requestCount == 0)
        await receiver.stop()
    }

    @Test("Fault 42: what a receiver writes into its status line and headers reaches no error")
    func answer() async throws {
        let bytes = "HTTP/1.1 503 \u{1B}[2Jgone\r\nretry-after: \u{1B}[2J\r\ncontent-length: 0\r\n\r\n"
        let error = try #require(try await outcome(of: .raw(bytes, then: .close)))
        #expect(!"\(error)".unicodeScalars.contains { $0.value < 0x20 })
    }

    @Test("Fault 42: one failed attempt is one line of the log, whatever the event is named")
    func log() async throws {
        let receiver = try await Receiver { _ in .answer(.serviceUnavailable) }
        let lines = LogLines()
        try await withClient { client async throws in
            let sink = try HTTPEventSink(client: client, url: receiver.url, configuration: .loopback())
            let engine = try await EventEngine(
                storage: InMemoryStorage(), logger: lines.logger,
                subscriptions: [
                    Subscription(
                        "data-platform", to: Forged.self, policy: DeliveryPolicy(maxRetries: 0), sink: sink)
                ])
            try await engine.emit(Forged())
            try await engine.drain()
        }
        await receiver.stop()
        #expect(lines.all.filter { $0.contains("attempt failed") }.count == 1)
        #expect(lines.all.filter { $0.contains("delivery dead-lettered") }.count == 1)
        #expect(!lines.all.contains { $0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x85 } })
    }

    private struct Forged: Event {
        static let type = EventType(rawValue: Fault42ControlCharacterTests.evil)
    }
}

/// What was logged, a line an element.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock(\.self) }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(lines: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = metadata.merging(event.metadata ?? [:]) { $1 }
            let text = metadata.map { "\($0)=\($1)" }.sorted().joined(separator: " ")
            lines.lines.withLock { $0.append("\(event.level) \(event.message) \(text)") }
        }
    }
}
#endif

#if RabbitMQ
import AfterCommit
@testable import AfterCommitRabbitMQ
import Foundation
import Testing
import TestSupport

/// Debian's amqp-tools, which are built on the same library, and a client of a few lines that is not.
@Suite("Other clients", .timeLimit(.minutes(5)))
struct OtherClientsTests {
    private func run(_ command: String...) async throws -> Data { try await run(command) }

    private func run(_ command: [String]) async throws -> Data {
        try await onOwnThread("client") {
            let child = try ChildProcess(command)
            try child.input.close()
            let output = child.output.readDataToEndOfFile()
            guard child.waitUntilEnded() == 0 else { throw NothingThrown() }
            return output
        }
    }

    private func declared() async throws -> TestQueue {
        let queue = try await TestQueue.shared()
        let sink = try queue.sink()
        #expect(await sink.send([]).isEmpty)
        // The topology is made with the first message.
        #expect(await sink.send(try Outgoing.events(1)).allSatisfy(\.isSent))
        let source = try queue.source()
        _ = try await source.take(1)
        await source.close()
        await sink.close()
        return queue
    }

    @Test("read what we publish")
    func reading() async throws {
        let queue = try await declared()
        let sink = try queue.sink()
        let payload = Data("{\"total\": 1.50}".utf8)
        let envelope = Outgoing.envelope(key: "7", payload: payload)
        let event = try Outgoing.event(envelope)
        for _ in 0..<3 { #expect(await sink.send([event]).allSatisfy(\.isSent)) }
        await sink.close()
        #expect(try await run("/usr/bin/amqp-get", "-u", queue.server.url, "-q", queue.name) == payload)
        let url = queue.server.url
        #expect(try await run("/usr/bin/amqp-consume", "-u", url, "-q", queue.name, "-c", "1", "/bin/cat") == payload)
        let script = FileManager.default.currentDirectoryPath + "/Tests/Scripts/amqp-get.py"
        let output = try await run("/usr/bin/env", "python3", script, queue.server.url, queue.name)
        let decoder = JSONDecoder()
        let message = try decoder.decode(Fetched.self, from: output)
        #expect(message.body == String(decoding: payload, as: UTF8.self))
        #expect(message.routingKey == "order.placed" && message.exchange == queue.exchange)
        let properties = message.properties
        #expect(properties.contentType == "application/json" && properties.deliveryMode == 2)
        #expect(properties.messageID == "\(envelope.id)" && properties.type == "order.placed")
        #expect(properties.timestamp == 1_787_393_730)
        #expect(
            message.headers == [
                "cloudEvents_specversion": "1.0", "cloudEvents_id": "\(envelope.id)",
                "cloudEvents_source": "https://shop.example/orders", "cloudEvents_type": "order.placed",
                "cloudEvents_time": "2026-08-22T10:15:30.123Z", "cloudEvents_subject": "7",
                "cloudEvents_partitionkey": "7", "cloudEvents_sequence": "00000000000000000042",
            ])
    }

    private struct Fetched: Decodable {
        struct Properties: Decodable {
            let contentType: String
            let deliveryMode: Int
            let messageID: String
            let type: String
            let timestamp: Int
        }

        let exchange: String
        let routingKey: String
        let properties: Properties
        let headers: [String: String]
        let body: String
    }

    @Test("are read, in structured mode")
    func structured() async throws {
        let queue = try await declared()
        let text =
            "{\"specversion\":\"1.0\",\"id\":\"A-1\",\"source\":\"/other\",\"type\":\"order.placed\",\"data\":{\"n\":1}}"
        _ = try await run(
            "/usr/bin/amqp-publish", "-u", queue.server.url, "-e", queue.exchange, "-r", "order.placed", "-p", "-C",
            "application/cloudevents+json; charset=utf-8", "-b", text)
        let source = try queue.source()
        let event = try #require(try await source.take(1).first).cloudEvent()
        #expect(event.id == "A-1" && event.source == "/other" && event.data == Data("{\"n\":1}".utf8))
        await source.close()
    }

    @Test("are read, in binary mode")
    func binary() async throws {
        let queue = try await declared()
        var command = [
            "/usr/bin/amqp-publish", "-u", queue.server.url, "-e", queue.exchange, "-r", "order.placed", "-C",
            "text/plain", "-b", "hello",
        ]
        for (name, value) in ["specversion": "1.0", "id": "A-2", "source": "/other", "type": "order.placed"] {
            command += ["-H", "cloudEvents_\(name): \(value)"]
        }
        _ = try await run(command)
        let source = try queue.source()
        let message = try #require(try await source.take(1).first)
        let event = try message.cloudEvent()
        #expect(event.id == "A-2" && event.contentType == "text/plain" && event.data == Data("hello".utf8))
        await source.close()
    }
}
#endif

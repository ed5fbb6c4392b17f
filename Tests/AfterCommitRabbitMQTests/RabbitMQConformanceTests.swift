#if RabbitMQ
import AfterCommit
import AfterCommitRabbitMQ
import AfterCommitTesting
import Foundation
import TestSupport
import Testing

@Suite("Conformance of the sink and the source of RabbitMQ")
struct RabbitMQConformanceTests {
    private static let classicQueues = BrokerConformanceSuite { try await RabbitMQUnderTest(.classic) }
    private static let quorumQueues = BrokerConformanceSuite { try await RabbitMQUnderTest(.quorum) }

    @Test("classic queues", arguments: classicQueues.cases)
    func classic(_ promise: BrokerConformanceCase) async throws {
        try await Self.classicQueues.run(promise)
    }

    @Test("quorum queues", arguments: quorumQueues.cases)
    func quorum(_ promise: BrokerConformanceCase) async throws {
        try await Self.quorumQueues.run(promise)
    }
}

/// A queue of a real broker, with dead letters beside it. Strangers publish with Debian's amqp-tools.
private struct RabbitMQUnderTest: ConformanceBroker {
    private let queue: TestQueue
    private let topology: RabbitMQTopology
    private var deadLetters: String { "\(queue.name).dead" }

    init(_ kind: RabbitMQTopology.Queue.Kind) async throws {
        queue = try await TestQueue.shared()
        topology = .declare(
            exchanges: [.topic(queue.exchange)],
            queues: [
                RabbitMQTopology.Queue(
                    queue.name, kind: kind, bindings: [.init(queue.exchange, "#")],
                    deadLetters: .init("\(queue.name).dead"))
            ])
        // What strangers publish needs a queue. The topology is made with the first message.
        let sink = try queue.sink(topology: topology)
        let source = try queue.source()
        guard await sink.send(try Outgoing.events(1)).allSatisfy(\.isSent) else { throw NothingThrown() }
        _ = try await source.take(1)
        await source.close()
        await sink.close()
    }

    func makeSink() async throws -> any BatchEventSink { try queue.sink(topology: topology) }

    func makeSource() async throws -> any EventSource { try queue.source(topology: topology) }

    func close(_ sink: any BatchEventSink) async { await (sink as? RabbitMQEventSink)?.close() }

    func publish(_ message: ForeignMessage) async throws {
        var command = ["/usr/bin/amqp-publish", "-u", queue.server.url, "-e", queue.exchange, "-r", "order", "-p"]
        if let contentType = message.contentType { command += ["-C", contentType] }
        for (name, value) in message.attributes { command += ["-H", "cloudEvents_\(name): \(value)"] }
        try await onOwnThread("amqp-publish") { [command] in
            let child = try ChildProcess(command)
            try child.input.write(contentsOf: Data(message.body))
            try child.input.close()
            guard child.waitUntilEnded() == 0 else { throw NothingThrown() }
        }
    }

    func rejectedBodies() async throws -> [[UInt8]] {
        guard let count = try await queue.messages(in: deadLetters), count > 0 else { return [] }
        let source = try queue.source(queue: deadLetters)
        let bodies = try await source.take(count, outcome: nil).map { Array($0.body) }
        await source.close()
        return bodies
    }

    func interrupt() async throws { try await queue.closeConnections() }

    func close() async {
        // What is left ends with the server.
        _ = try? await queue.control("delete_queue", queue.name)
        _ = try? await queue.control("delete_queue", deadLetters)
    }
}
#endif

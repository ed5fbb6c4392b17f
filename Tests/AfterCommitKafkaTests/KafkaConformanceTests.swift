#if Kafka
import AfterCommit
import AfterCommitKafka
import AfterCommitTesting
import Foundation
import TestSupport
import Testing

@Suite("Conformance of the sink and the source of Kafka")
struct KafkaConformanceTests {
    private static let suite = BrokerConformanceSuite { try await KafkaUnderTest() }

    @Test(arguments: suite.cases)
    func conformance(_ promise: BrokerConformanceCase) async throws {
        try await Self.suite.run(promise)
    }
}

/// A topic of a mock cluster, and a topic of dead letters. Strangers publish with kcat.
private struct KafkaUnderTest: ConformanceBroker {
    private let cluster: KafkaMockCluster
    private static let topic = "conformance"
    private static let deadLetterTopic = "conformance.dead"

    init() async throws {
        cluster = try KafkaMockCluster(brokers: 2)
        // One partition: all that is there comes to whoever is alone in the group.
        try cluster.createTopic(Self.topic, partitions: 1)
        try cluster.createTopic(Self.deadLetterTopic, partitions: 1)
    }

    func makeSink() async throws -> any BatchEventSink {
        try KafkaEventSink(
            cluster.configuration(), topic: .named(Self.topic),
            configuration: KafkaEventSinkConfiguration(closeTimeout: .seconds(1)), logger: Fixtures.quiet)
    }

    func makeSource() async throws -> any EventSource {
        try KafkaEventSource(
            cluster.configuration(), topics: [Self.topic], group: "conformance",
            deadLetterTopic: Self.deadLetterTopic, logger: Fixtures.quiet)
    }

    func close(_ sink: any BatchEventSink) async { await (sink as? KafkaEventSink)?.close() }

    func publish(_ message: ForeignMessage) async throws {
        try await onOwnThread("kcat") { [servers = cluster.bootstrapServers] in
            let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
            try Data(message.body).write(to: file)
            defer { try? FileManager.default.removeItem(at: file) }
            var command = [
                "/usr/bin/env", "kcat", "-b", servers, "-P", "-t", Self.topic, "-X", "topic.partitioner=consistent",
            ]
            if let key = message.key { command += ["-k", key] }
            if let contentType = message.contentType { command += ["-H", "content-type=\(contentType)"] }
            for (name, value) in message.attributes { command += ["-H", "ce_\(name)=\(value)"] }
            // Each file is one message, byte for byte.
            command.append(file.path)
            let child = try ChildProcess(command)
            try child.input.close()
            guard child.waitUntilEnded() == 0 else { throw StrangerFailed() }
        }
    }

    func rejectedBodies() async throws -> [[UInt8]] {
        let source = try KafkaEventSource(
            cluster.configuration(), topics: [Self.deadLetterTopic], group: UUID().uuidString, logger: Fixtures.quiet)
        let bodies = try await source.receive(upTo: 100).map { Array($0.body) }
        await source.close()
        return bodies
    }

    func interrupt() async throws {
        // Each broker breaks its connections when it goes.
        try cluster.setDown()
        try cluster.setUp()
    }

    func close() async {}

    private struct StrangerFailed: Error {}
}
#endif

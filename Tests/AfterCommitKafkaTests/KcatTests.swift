#if Kafka
import AfterCommit
import AfterCommitKafka
import Foundation
import TestSupport
import Testing

/// Another client's view, where Debian's `kcat` is installed.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/kcat")), .timeLimit(.minutes(2)))
struct KcatTests {
    private func kcat(_ cluster: KafkaMockCluster, _ arguments: [String], input: String = "") async throws -> String {
        let process = try ChildProcess(["/usr/bin/kcat", "-b", cluster.bootstrapServers] + arguments)
        try process.input.write(contentsOf: Data(input.utf8))
        try process.input.close()
        let output = try process.output.readToEnd() ?? Data()
        #expect(await process.end() == 0)
        return String(decoding: output, as: UTF8.self)
    }

    @Test("kcat reads body, key and headers of what is sent")
    func reads() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders")
        let envelope = Fixtures.envelope(headers: ["correlationid": "c-1"])
        let sent = try await withSink(cluster.configuration()) { await $0.send([Fixtures.event(envelope)]) }
        #expect(sent.map(\.summary) == ["sent"])
        let output = try await kcat(
            cluster, ["-C", "-t", "orders", "-o", "beginning", "-e", "-q", "-f", "%k\\n%h\\n%s\\n"])
        let lines = output.split(separator: "\n").map(String.init)
        #expect(lines.count == 3)
        #expect(lines.first == "order 7")
        #expect(lines.last == "{\"total\":7}")
        #expect(
            lines[1].split(separator: ",") == [
                "ce_specversion=1.0", "ce_id=\(envelope.id)", "ce_source=https://shop.example/orders",
                "ce_type=order.placed", "ce_time=2026-08-22T10:15:30.123Z", "ce_subject=order 7",
                "ce_partitionkey=order 7", "ce_sequence=00000000000000000042", "ce_correlationid=c-1",
                "content-type=application/json",
            ])
    }

    @Test("What kcat sends in binary mode and in structured mode is received as events")
    func writes() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders")
        let binary = [
            "ce_specversion=1.0", "ce_id=a-1", "ce_source=/kcat", "ce_type=order.placed", "content-type=text/plain",
        ]
        _ = try await kcat(
            cluster, ["-P", "-t", "orders", "-k", "key 1"] + binary.flatMap { ["-H", $0] }, input: "hello")
        let structured =
            #"{"specversion":"1.0","id":"a-2","source":"/kcat","type":"order.paid","data":{"total": 7.10}}"#
        _ = try await kcat(
            cluster,
            ["-P", "-t", "orders", "-H", "content-type=application/cloudevents+json; charset=UTF-8"], input: structured)
        _ = try await kcat(cluster, ["-P", "-t", "orders"], input: "no event")
        try await withSource(cluster.configuration()) { source in
            let messages = try await source.receive(exactly: 3)
            let first = try messages[0].cloudEvent()
            #expect(first.id == "a-1")
            #expect(first.source == "/kcat")
            #expect(first.contentType == "text/plain")
            #expect(first.data == Data("hello".utf8))
            #expect(messages[0].key == "key 1")
            let second = try messages[1].cloudEvent()
            #expect(second.type == "order.paid")
            #expect(second.data == Data(#"{"total": 7.10}"#.utf8))
            #expect(messages[1].key == nil)
            #expect(throws: CloudEventError(.notAnEvent)) { try messages[2].cloudEvent() }
        }
    }
}
#endif

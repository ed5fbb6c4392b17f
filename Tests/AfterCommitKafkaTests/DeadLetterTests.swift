#if Kafka
import AfterCommit
@testable import AfterCommitKafka
import AfterCommitTesting
import Foundation
import Testing

@Suite(.timeLimit(.minutes(2)))
struct DeadLetterTests {
    private func cluster() async throws -> KafkaMockCluster {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders")
        try cluster.createTopic("orders.dead")
        return cluster
    }

    /// Writes messages as they are.
    private func write(_ records: [KafkaRecord], _ cluster: KafkaMockCluster) async throws {
        try await withSink(cluster.configuration()) { sink in
            #expect(await sink.producer.send(records) == records.map { _ in nil })
        }
    }

    @Test("A rejected message goes to the dead letters as it came, with where from and why, and does not come again")
    func rejected() async throws {
        let cluster = try await cluster()
        let key = Data([0xFF, 0x00, 0x41])
        let headers = [
            KafkaHeader("twice", .text("a")), KafkaHeader("twice", .text("b")), KafkaHeader("nothing", .null),
            KafkaHeader("bytes", .bytes(Data([0xC0, 0x80]))), KafkaHeader("empty", .text("")),
        ]
        let value = Data((0...255).map { UInt8($0) })
        let strange = KafkaRecord(topic: "orders", key: .bytes(key), headers: headers, value: .bytes(value))
        let tombstone = KafkaRecord(topic: "orders", key: .text("k"), value: .null)
        try await write([strange, tombstone, KafkaRecord(topic: "orders", value: .text("2"))], cluster)
        try await withSource(cluster.configuration(), deadLetterTopic: "orders.dead") { source in
            let messages = try await source.receive(exactly: 3)
            #expect(messages[0].headers == ["twice": "b", "bytes": "\u{FFFD}\u{FFFD}", "empty": ""])
            #expect(throws: CloudEventError(.notAnEvent)) { try messages[1].cloudEvent() }
            try await source.settle([
                MessageSettlement(messages[0].receipt, .rejected(reason: "no\u{0}event")),
                MessageSettlement(messages[1].receipt, .rejected(reason: "none")),
                MessageSettlement(messages[2].receipt, .accepted),
            ])
            #expect(await source.consumer.assignment.outstanding == 0)
        }
        try await withSource(cluster.configuration(), topics: ["orders.dead"], group: "dead") { source in
            let messages = try await source.receive(exactly: 2)
            let letter = await source.consumer.assignment[messages[0].receipt]?.message
            #expect(letter?.key == .bytes(key))
            #expect(letter?.headers.prefix(headers.count) == headers[...])
            #expect(messages[0].body == value)
            #expect(messages[0].headers["aftercommit.reason"] == "no\u{0}event")
            #expect(messages[0].headers["aftercommit.topic"] == "orders")
            #expect(messages[0].headers["aftercommit.partition"] == "0")
            #expect(messages[0].headers["aftercommit.offset"] == "0")
            #expect(messages[0].headers["aftercommit.group"] == "readers")
            #expect(await source.consumer.assignment[messages[1].receipt]?.message.hasNoValue == true)
            #expect(messages[1].headers["aftercommit.offset"] == "1")
        }
        // All three are settled: what comes next is new.
        try await write([KafkaRecord(topic: "orders", value: .text("3"))], cluster)
        let next = try await withSource(cluster.configuration()) { try await $0.receive(exactly: 1)[0].text }
        #expect(next == "3")
    }

    @Test("Without a topic for dead letters settling says what to configure, and the message comes again")
    func unconfigured() async throws {
        let cluster = try await cluster()
        try await write([KafkaRecord(topic: "orders", value: .text("0"))], cluster)
        try await withSource(cluster.configuration()) { source in
            let message = try await source.receive(exactly: 1)[0]
            let error = await #expect(throws: KafkaError.self) {
                try await source.settle([MessageSettlement(message.receipt, .rejected(reason: "bad"))])
            }
            #expect(error?.code == .deadLetterTopicMissing)
            #expect(error?.message.contains("deadLetterTopic") == true)
            #expect(try await source.receive(exactly: 1)[0].redeliveries == 1)
        }
    }

    @Test("What cannot be rejected is given out again only after a wait, which others do not wait for")
    func waits() async throws {
        let cluster = try await cluster()
        try await write((0..<2).map { KafkaRecord(topic: "orders", value: .text("\($0)")) }, cluster)
        let clock = ManualClock()
        let source = try KafkaEventSource(
            cluster.configuration(), topics: ["orders"], group: "readers",
            configuration: KafkaEventSourceConfiguration(backoff: .constant(.seconds(60))), logger: Fixtures.quiet,
            clock: clock)
        let message = try await source.receive(exactly: 1)[0]
        let rejection = MessageSettlement(message.receipt, .rejected(reason: "bad"))
        for attempt in 1...2 {
            await #expect(throws: KafkaError.self) { try await source.settle([rejection]) }
            if attempt == 1 { #expect(try await source.receive(exactly: 1)[0].text == "1") }
            let waiting = Task { try await source.receive(exactly: 1)[0] }
            while await !source.consumer.isWaitedFor { await Task.yield() }
            clock.advance(by: .seconds(59))
            #expect(await source.consumer.isWaitedFor)
            clock.advance(by: .seconds(1))
            #expect(try await waiting.value.redeliveries == attempt)
        }
        await source.close()
    }

    @Test("A dead letter that cannot be written throws; the message is not settled, and comes again")
    func unwritten() async throws {
        let cluster = try await cluster()
        try await write([KafkaRecord(topic: "orders", value: .text("0"))], cluster)
        try await withSource(cluster.configuration(), deadLetterTopic: "orders.dead") { source in
            let message = try await source.receive(exactly: 1)[0]
            cluster.answer(.produce, with: [KafkaMockCluster.Answer(code: 32)])
            let rejection = MessageSettlement(message.receipt, .rejected(reason: "bad"))
            let error = await #expect(throws: KafkaError.self) { try await source.settle([rejection]) }
            #expect(error?.failureType == "kafka.INVALID_TIMESTAMP")
            let again = try await source.receive(exactly: 1)[0]
            #expect(again.redeliveries == 1)
            try await source.settle([rejection])
            #expect(await source.consumer.assignment.outstanding == 0)
        }
    }
}
#endif

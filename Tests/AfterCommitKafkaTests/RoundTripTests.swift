#if Kafka
import AfterCommit
import AfterCommitKafka
import Foundation
import Testing

@Suite(.timeLimit(.minutes(2)))
struct RoundTripTests {
    @Test(
        "An event comes back byte for byte, with its key and all of its attributes",
        arguments: [
            CloudEvent.ContentMode.binary, .structured,
        ])
    func roundTrip(mode: CloudEvent.ContentMode) async throws {
        let cluster = try KafkaMockCluster()
        try cluster.createTopic("orders", partitions: 3)
        let payload = Data("{\"name\":\"Zoë \\u2028 日本\",\"total\": 7.10}".utf8)
        let envelope = Fixtures.envelope(
            key: "Zoë/7", headers: ["correlationid": "c 1", "note": "50 % \"off\" – ümläut", "empty": ""],
            payload: payload)
        let options = KafkaEventSinkConfiguration(
            contentMode: mode, naming: CloudEventNaming(typePrefix: "com.example"), closeTimeout: .zero)
        let sent = try await withSink(cluster.configuration(), configuration: options) { sink in
            await sink.send([Fixtures.event(envelope)])
        }
        #expect(sent.map(\.summary) == ["sent"])

        let message = try await withSource(cluster.configuration()) { try await $0.receive(exactly: 1)[0] }
        #expect(message.key == "Zoë/7")
        let event = try message.cloudEvent()
        let expected = CloudEvent(Fixtures.event(envelope), naming: CloudEventNaming(typePrefix: "com.example"))
        #expect(Set(event.attributes) == Set(expected.attributes))
        #expect(event.contentType == "application/json")
        #expect(event.data == payload)
        if mode == .binary {
            #expect(message.body == payload)
            #expect(message.contentType == "application/json")
            #expect(message.headers["ce_id"] == "\(envelope.id)")
            #expect(message.headers["ce_note"] == "50 % \"off\" – ümläut")
            #expect(message.headers["ce_datacontenttype"] == nil)
        } else {
            #expect(message.headers == ["content-type": "application/cloudevents+json"])
        }
    }

    @Test("Bytes that are no text, and no bytes at all, come back as they are")
    func binaryPayloads() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders")
        let payloads = [Data((0...255).map { UInt8($0) }), Data()]
        let events = payloads.map {
            Fixtures.event(Fixtures.envelope(key: nil, contentType: "application/octet-stream", payload: $0))
        }
        _ = try await withSink(cluster.configuration()) { await $0.send(events) }
        let messages = try await withSource(cluster.configuration()) { try await $0.receive(exactly: 2) }
        #expect(messages.map(\.body) == payloads)
        #expect(messages.map(\.key) == [nil, nil])
    }

    @Test("Events of one key are in one partition, in their order, over several batches")
    func keyOrder() async throws {
        let cluster = try KafkaMockCluster()
        try cluster.createTopic("orders", partitions: 8)
        try await withSink(cluster.configuration()) { sink in
            for batch in 0..<20 {
                let events = (0..<5).map { key in
                    Fixtures.event(Fixtures.envelope(key: "key \(key)", payload: Data("\(batch)".utf8)))
                }
                let outcomes = await sink.send(events)
                #expect(outcomes.allSatisfy { $0.summary == "sent" })
            }
        }
        let messages = try await withSource(cluster.configuration()) { try await $0.receive(exactly: 100) }
        for (_, messages) in Dictionary(grouping: messages, by: \.key) {
            #expect(Set(messages.map(\.receipt.channel)).count == 1)
            #expect(messages.map(\.text) == (0..<20).map { "\($0)" })
        }
    }

    @Test("Each event goes to the topic that was chosen for it")
    func topics() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        let events = ["order.placed", "order.paid", "no/topic"].map {
            Fixtures.event(Fixtures.envelope(type: EventType(rawValue: $0)))
        }
        let outcomes = try await withSink(cluster.configuration(), topic: .eventType) { await $0.send(events) }
        #expect(outcomes.map(\.summary) == ["sent", "sent", "permanent kafka.invalid-topic"])
        let chosen = KafkaTopic.chosen { "shop.\($0.context.envelope.type)" }
        _ = try await withSink(cluster.configuration(), topic: chosen) { await $0.send([events[0]]) }
        let types = try await withSource(
            cluster.configuration(), topics: ["order.paid", "shop.order.placed"]
        ) { source in
            try await source.receive(exactly: 2).map { try $0.cloudEvent().type }
        }
        #expect(types.sorted() == ["order.paid", "order.placed"])
    }
}
#endif

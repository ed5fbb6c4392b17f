#if Kafka
import AfterCommit
@testable import AfterCommitKafka
import CRDKafka
import Foundation
import Testing

@Suite("Fault 34: Kafka fatal error, queue full, message timeout, too few replicas", .timeLimit(.minutes(2)))
struct Fault34ProducerTests {
    private let patient = KafkaEventSinkConfiguration(messageTimeout: .seconds(10), closeTimeout: .zero)

    @Test("Fault 34: too few replicas are waited for, and for too long a failed attempt; the next one may succeed")
    func tooFewReplicas() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders")
        let impatient = KafkaEventSinkConfiguration(messageTimeout: .seconds(2), closeTimeout: .zero)
        try await withSink(cluster.configuration(["retry.backoff.ms": "10"]), configuration: impatient) { sink in
            cluster.answer(.produce, with: [.notEnoughReplicas, .notEnoughReplicas])
            #expect(await sink.send(Fixtures.events(0..<3)).map(\.summary) == ["sent", "sent", "sent"])

            cluster.answer(.produce, with: Array(repeating: .notEnoughReplicas, count: 2_000))
            let outcomes = await sink.send(Fixtures.events(3..<6)).map(\.summary)
            #expect(Set(outcomes) == ["kafka._MSG_TIMED_OUT"])

            cluster.answerNormally(.produce)
            #expect(await sink.send(Fixtures.events(3..<6)).map(\.summary) == ["sent", "sent", "sent"])
        }
        let messages = try await withSource(cluster.configuration()) { try await $0.receive(exactly: 6) }
        #expect(Set(messages.map(\.text)) == Set((0..<6).map { "\($0)" }))
    }

    @Test("Fault 34: an answer that trying again does not mend is a failed attempt with the brokers' own error")
    func refused() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders")
        try await withSink(cluster.configuration(), configuration: patient) { sink in
            cluster.answer(.produce, with: [KafkaMockCluster.Answer(code: 32)])
            let outcomes = await sink.send(Fixtures.events(0..<1))
            #expect(outcomes.map(\.summary) == ["kafka.INVALID_TIMESTAMP"])
            #expect(await sink.send(Fixtures.events(0..<1)).map(\.summary) == ["sent"])
        }
    }

    @Test("Fault 34: a message that is too large is permanent, here and for the brokers; the others are sent")
    func tooLarge() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders")
        try await withSink(cluster.configuration(["message.max.bytes": "4000"]), configuration: patient) { sink in
            var events = Fixtures.events(0..<3)
            events[1] = Fixtures.event(Fixtures.envelope(payload: Data(repeating: 0x20, count: 5_000)))
            let outcomes = await sink.send(events).map(\.summary)
            #expect(outcomes == ["sent", "permanent kafka.MSG_SIZE_TOO_LARGE", "sent"])
            cluster.answer(.produce, with: [.messageTooLarge])
            #expect(await sink.send([events[0]]).map(\.summary) == ["permanent kafka.MSG_SIZE_TOO_LARGE"])
        }
    }

    @Test("Fault 34: a full queue is backpressure: everything is sent, and the client never holds more than its bound")
    func queueFull() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders", partitions: 4)
        let kafka = try cluster.configuration(["queue.buffering.max.messages": "10"])
        try await withSink(kafka) { sink in
            let most = Peak()
            try await withThrowingTaskGroup(of: [String].self) { group in
                for batch in 0..<4 {
                    group.addTask {
                        await sink.send(Fixtures.events(batch * 100..<batch * 100 + 100)).map(\.summary)
                    }
                }
                group.addTask {
                    for _ in 0..<50 {
                        most.note(await sink.producer.countInClient)
                        await Task.yield()
                    }
                    return []
                }
                for try await outcomes in group { #expect(outcomes.allSatisfy { $0 == "sent" }) }
            }
            #expect((1...10).contains(most.value))
        }
        let messages = try await withSource(cluster.configuration()) { try await $0.receive(exactly: 400) }
        #expect(Set(messages.map(\.text)).count == 400)
    }

    @Test("Fault 34: a fatal error fails all that is pending with it, and another producer sends what comes next")
    func fatal() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders")
        try await withSink(cluster.configuration()) { sink in
            #expect(await sink.send(Fixtures.events(0..<1)).map(\.summary) == ["sent"])
            try cluster.setRoundTripTime(.seconds(10))
            async let pending = sink.send(Fixtures.events(1..<4))
            while await sink.producer.countInClient < 3 { await Task.yield() }
            #expect(await sink.producer.failFatally(RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER))
            let outcomes = await pending.map(\.summary)
            #expect(Set(outcomes) == ["kafka.OUT_OF_ORDER_SEQUENCE_NUMBER"])
            try cluster.setRoundTripTime(.zero)
            let later = await sink.send(Fixtures.events(1..<4)).map(\.summary)
            #expect(later == ["sent", "sent", "sent"])
        }
        let texts = try await withSource(cluster.configuration()) { source in
            try await source.receive(exactly: 4).map(\.text)
        }
        #expect(Set(texts) == ["0", "1", "2", "3"])
    }

    @Test("Fault 34: fatal errors that follow each other are waited between, and sends fail meanwhile")
    func fatalAgain() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders")
        let options = KafkaEventSinkConfiguration(closeTimeout: .zero, backoff: .constant(.seconds(3_600)))
        try await withSink(cluster.configuration(), configuration: options) { sink in
            try cluster.setRoundTripTime(.seconds(10))
            for _ in 0..<2 {
                async let pending = sink.send(Fixtures.events(0..<1))
                while await sink.producer.countInClient < 1 { await Task.yield() }
                #expect(await sink.producer.failFatally(RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID))
                let outcomes = await pending.map(\.summary)
                #expect(outcomes == ["kafka.UNKNOWN_PRODUCER_ID"])
            }
            // There is no client to hold it.
            #expect(
                await sink.send(Fixtures.events(0..<2)).map(\.summary) == [
                    "kafka.UNKNOWN_PRODUCER_ID", "kafka.UNKNOWN_PRODUCER_ID",
                ])
            #expect(await sink.producer.countInClient == 0)
        }
    }

    @Test("A cancelled send returns at once, late reports are left out, and the sink goes on")
    func cancellation() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders")
        try await withSink(cluster.configuration()) { sink in
            try cluster.setRoundTripTime(.milliseconds(400))
            let sending = Task { await sink.send(Fixtures.events(0..<3)) }
            while await sink.producer.countInClient < 3 { await Task.yield() }
            sending.cancel()
            #expect(Set(await sending.value.map(\.summary)) == ["kafka._INTR"])
            #expect(await sink.producer.countInClient == 3)
            try cluster.setRoundTripTime(.zero)
            #expect(await sink.send(Fixtures.events(3..<5)).map(\.summary) == ["sent", "sent"])
            #expect(await sink.producer.countInClient == 0)
        }
    }

    @Test("Closing waits for reports; later sends fail")
    func closing() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders")
        let sink = try KafkaEventSink(
            cluster.configuration(["linger.ms": "200"]), topic: "orders",
            configuration: KafkaEventSinkConfiguration(closeTimeout: .seconds(30)), logger: Fixtures.quiet)
        async let pending = sink.send(Fixtures.events(0..<3))
        while await sink.producer.countInClient < 3 { await Task.yield() }
        await sink.close()
        #expect(await pending.map(\.summary) == ["sent", "sent", "sent"])
        #expect(await sink.send(Fixtures.events(0..<1)).map(\.summary) == ["kafka.closed"])
        await sink.close()
    }

    @Test("Closing does not wait for brokers that are away: what is pending fails")
    func closingAway() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.setDown()
        let sink = try KafkaEventSink(
            cluster.configuration(), topic: "orders",
            configuration: KafkaEventSinkConfiguration(closeTimeout: .milliseconds(50)),
            logger: Fixtures.quiet)
        async let pending = sink.send(Fixtures.events(0..<3))
        while await sink.producer.countInClient < 3 { await Task.yield() }
        await sink.close()
        #expect(Set(await pending.map(\.summary)) == ["kafka.closed"])
    }
}
#endif

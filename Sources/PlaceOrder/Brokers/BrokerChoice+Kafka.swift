#if Example
import AfterCommit
import Logging
#if Kafka
import AfterCommitKafka

extension BrokerChoice {
    static let kafkaTopic = "shop.orders"
    static let kafkaDeadLetterTopic = "data-platform.dead"

    func kafkaSink(logger: Logger) throws -> BrokerSink {
        let sink = try KafkaEventSink(
            KafkaConfiguration(bootstrapServers: url), topic: .named(Self.kafkaTopic),
            // Within an attempt's time.
            configuration: KafkaEventSinkConfiguration(naming: Self.naming, messageTimeout: .seconds(8)), logger: logger
        )
        return BrokerSink(sink: sink) { await sink.close() }
    }

    func kafkaSource(prefetch: Int, logger: Logger) throws -> any EventSource {
        try KafkaEventSource(
            // A consumer that was killed is missed soon, and the mock cluster takes about as long for each change of the group.
            KafkaConfiguration(bootstrapServers: url, properties: ["session.timeout.ms": "6000"]),
            topics: [Self.kafkaTopic], group: "data-platform", deadLetterTopic: Self.kafkaDeadLetterTopic,
            configuration: KafkaEventSourceConfiguration(maxOutstanding: prefetch),
            logger: logger)
    }
}
#else
extension BrokerChoice {
    func kafkaSink(logger: Logger) throws -> BrokerSink { throw Self.unavailable("Kafka", trait: "Kafka") }

    func kafkaSource(prefetch: Int, logger: Logger) throws -> any EventSource {
        throw Self.unavailable("Kafka", trait: "Kafka")
    }
}
#endif
#endif

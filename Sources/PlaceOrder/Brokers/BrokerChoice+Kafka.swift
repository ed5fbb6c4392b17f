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
            KafkaConfiguration(bootstrapServers: url), topics: [Self.kafkaTopic], group: "data-platform",
            deadLetterTopic: Self.kafkaDeadLetterTopic,
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

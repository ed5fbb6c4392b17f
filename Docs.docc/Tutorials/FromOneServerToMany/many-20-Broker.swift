import AfterCommit
import AfterCommitKafka
import AfterCommitRabbitMQ
import Logging

/// The one place that knows which broker there is.
enum Broker {
    static let topology = RabbitMQTopology.declare(
        exchanges: [.topic("orders")],
        queues: [
            .quorum("platform", bindings: [.init("orders", "order.*")], deadLetters: .init("platform.dead"))
        ])

    static func sink(logger: Logger) throws -> any EventSink {
        if let kafka = try kafka() { return try KafkaEventSink(kafka, topic: "orders", logger: logger) }
        return try RabbitMQEventSink(
            RabbitMQConfiguration(Settings.broker),
            configuration: RabbitMQEventSinkConfiguration(exchange: "orders", topology: topology))
    }

    static func source(logger: Logger) throws -> any EventSource {
        if let kafka = try kafka() {
            return try KafkaEventSource(
                kafka, topics: ["orders"], group: "platform", deadLetterTopic: "platform.dead", logger: logger)
        }
        return try RabbitMQEventSource(
            RabbitMQConfiguration(Settings.broker),
            configuration: RabbitMQEventSourceConfiguration(queue: "platform", topology: topology),
            logger: logger)
    }

    /// `BROKER=kafka://host:port,host:port`
    private static func kafka() throws -> KafkaConfiguration? {
        guard Settings.broker.hasPrefix("kafka://") else { return nil }
        return try KafkaConfiguration(bootstrapServers: String(Settings.broker.dropFirst("kafka://".count)))
    }
}

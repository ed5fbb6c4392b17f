#if Example
import AfterCommit
import Logging
#if RabbitMQ
import AfterCommitRabbitMQ

extension BrokerChoice {
    /// The shop publishes to a topic exchange; the data platform has a quorum queue there, and dead letters beside it. Both
    /// sides declare both, so that it does not matter who comes first, and nothing that is published finds no queue.
    private static let topology = RabbitMQTopology.declare(
        exchanges: [.topic("shop")],
        queues: [
            .quorum(
                "data-platform", bindings: [.init("shop", "com.example.order.*")],
                deadLetters: .init("data-platform.dead"))
        ])

    func rabbitMQSink() throws -> BrokerSink {
        let sink = try RabbitMQEventSink(
            RabbitMQConfiguration(url),
            configuration: RabbitMQEventSinkConfiguration(
                exchange: "shop", naming: Self.naming, topology: Self.topology))
        return BrokerSink(sink: sink) { await sink.close() }
    }

    func rabbitMQSource(prefetch: Int, logger: Logger) throws -> any EventSource {
        try RabbitMQEventSource(
            RabbitMQConfiguration(url),
            configuration: RabbitMQEventSourceConfiguration(
                queue: "data-platform", prefetch: prefetch, topology: Self.topology),
            logger: logger)
    }
}
#else
extension BrokerChoice {
    func rabbitMQSink() throws -> BrokerSink { throw Self.unavailable("RabbitMQ", trait: "RabbitMQ") }

    func rabbitMQSource(prefetch: Int, logger: Logger) throws -> any EventSource {
        throw Self.unavailable("RabbitMQ", trait: "RabbitMQ")
    }
}
#endif
#endif

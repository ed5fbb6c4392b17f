import AfterCommit
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
        try RabbitMQEventSink(
            RabbitMQConfiguration(Settings.broker),
            configuration: RabbitMQEventSinkConfiguration(exchange: "orders", topology: topology))
    }
}

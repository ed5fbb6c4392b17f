import AfterCommit
import AfterCommitRabbitMQ
import Logging

/// The one place that knows which broker there is.
enum Broker {
    static let topology = RabbitMQTopology.declare(
        exchanges: [.topic("shop")],
        queues: [
            .quorum(
                "data-platform", bindings: [.init("shop", "order.*")], deadLetters: .init("data-platform.dead"))
        ])

    static func sink(logger: Logger) throws -> any EventSink {
        try RabbitMQEventSink(
            RabbitMQConfiguration(Settings.broker),
            configuration: RabbitMQEventSinkConfiguration(exchange: "shop", topology: topology))
    }
}

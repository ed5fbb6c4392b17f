#if Example
import AfterCommit
import ArgumentParser
import Logging

/// Which broker stands between the shop and the data platform.
struct BrokerChoice: Sendable, Equatable {
    enum Kind: String, ExpressibleByArgument, CaseIterable, Sendable {
        case rabbitmq
        case kafka
    }

    var kind: Kind
    /// Where it is: `amqp://...` for RabbitMQ, `host:port,...` for Kafka. It may hold a password, so it is not told.
    var url: String

    /// What events are called outside.
    static let naming = CloudEventNaming(typePrefix: "com.example", source: "https://shop.example/orders")
}

/// A sink that is open.
struct BrokerSink: Sendable {
    let sink: any BatchEventSink
    let close: @Sendable () async -> Void
}

extension BrokerChoice {
    /// - Throws: where the URL is none, or this program was built without the broker.
    func sink(logger: Logger) throws -> BrokerSink {
        switch kind {
        case .rabbitmq: try rabbitMQSink()
        case .kafka: try kafkaSink(logger: logger)
        }
    }

    /// - Parameter prefetch: how many messages may be out at once.
    func source(prefetch: Int, logger: Logger) throws -> any EventSource {
        switch kind {
        case .rabbitmq: try rabbitMQSource(prefetch: prefetch, logger: logger)
        case .kafka: try kafkaSource(prefetch: prefetch, logger: logger)
        }
    }

    /// A person's mistake, or a program without the trait.
    static func unavailable(_ name: String, trait: String) -> ValidationError {
        ValidationError(
            "This place-order was built without \(name). Build it with: "
                + "swift build --product place-order --traits \(BuiltTraits.names(with: trait))")
    }
}
#endif

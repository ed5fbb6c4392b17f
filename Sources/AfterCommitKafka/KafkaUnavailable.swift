#if !Kafka
/// Sends events to Kafka. It needs the package trait `Kafka`.
@available(
    *, unavailable,
    message: "enable the trait Kafka: .package(url: ..., traits: [\"Kafka\"]), and install librdkafka-dev"
)
public final class KafkaEventSink: Sendable {}

/// Takes events from Kafka. It needs the package trait `Kafka`.
@available(
    *, unavailable,
    message: "enable the trait Kafka: .package(url: ..., traits: [\"Kafka\"]), and install librdkafka-dev"
)
public final class KafkaEventSource: Sendable {}

/// Where a Kafka cluster is. It needs the package trait `Kafka`.
@available(
    *, unavailable,
    message: "enable the trait Kafka: .package(url: ..., traits: [\"Kafka\"]), and install librdkafka-dev"
)
public struct KafkaConfiguration: Sendable {}
#endif

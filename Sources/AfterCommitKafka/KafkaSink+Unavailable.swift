#if !Kafka
/// Sends events to Kafka. It needs the package trait `Kafka`.
@available(
    *, unavailable,
    message: "enable the trait Kafka: .package(url: ..., traits: [\"Kafka\"]), and install librdkafka-dev"
)
public final class KafkaSink: Sendable {}
#endif

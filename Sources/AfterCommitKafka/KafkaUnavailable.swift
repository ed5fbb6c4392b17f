#if !Kafka
/// Sends events to Kafka. It needs the package trait `Kafka`.
@available(
    *, unavailable,
    message: "enable the trait Kafka: .package(..., traits: [\"Kafka\"]), and install librdkafka-dev"
)
public final class KafkaEventSink: Sendable {}

/// Takes events from Kafka. It needs the package trait `Kafka`.
@available(
    *, unavailable,
    message: "enable the trait Kafka: .package(..., traits: [\"Kafka\"]), and install librdkafka-dev"
)
public final class KafkaEventSource: Sendable {}

/// Where a Kafka cluster is. It needs the package trait `Kafka`.
@available(
    *, unavailable,
    message: "enable the trait Kafka: .package(..., traits: [\"Kafka\"]), and install librdkafka-dev"
)
public struct KafkaConfiguration: Sendable {}

/// How events go to Kafka. It needs the package trait `Kafka`.
@available(
    *, unavailable,
    message: "enable the trait Kafka: .package(..., traits: [\"Kafka\"]), and install librdkafka-dev"
)
public struct KafkaEventSinkConfiguration: Sendable {}

/// How messages come from Kafka. It needs the package trait `Kafka`.
@available(
    *, unavailable,
    message: "enable the trait Kafka: .package(..., traits: [\"Kafka\"]), and install librdkafka-dev"
)
public struct KafkaEventSourceConfiguration: Sendable {}

/// A Kafka cluster in this process. It needs the package trait `Kafka`.
@available(
    *, unavailable,
    message: "enable the trait Kafka: .package(..., traits: [\"Kafka\"]), and install librdkafka-dev"
)
public final class KafkaMockCluster: Sendable {}
#endif

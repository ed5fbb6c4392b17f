#if !RabbitMQ
/// Sends events to RabbitMQ. It needs the package trait `RabbitMQ`.
@available(
    *, unavailable,
    message: "enable the trait RabbitMQ: .package(url: ..., traits: [\"RabbitMQ\"]), and install librabbitmq-dev"
)
public final class RabbitMQEventSink: Sendable {}

/// Takes events from RabbitMQ. It needs the package trait `RabbitMQ`.
@available(
    *, unavailable,
    message: "enable the trait RabbitMQ: .package(url: ..., traits: [\"RabbitMQ\"]), and install librabbitmq-dev"
)
public final class RabbitMQEventSource: Sendable {}
#endif

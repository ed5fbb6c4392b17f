#if !RabbitMQ
/// Sends events to RabbitMQ. It needs the package trait `RabbitMQ`.
@available(
    *, unavailable,
    message: "enable the trait RabbitMQ: .package(..., traits: [\"RabbitMQ\"]), and install librabbitmq-dev"
)
public final class RabbitMQEventSink: Sendable {}

/// Takes events from RabbitMQ. It needs the package trait `RabbitMQ`.
@available(
    *, unavailable,
    message: "enable the trait RabbitMQ: .package(..., traits: [\"RabbitMQ\"]), and install librabbitmq-dev"
)
public final class RabbitMQEventSource: Sendable {}

/// Where RabbitMQ is, and how to connect. It needs the package trait `RabbitMQ`.
@available(
    *, unavailable,
    message: "enable the trait RabbitMQ: .package(..., traits: [\"RabbitMQ\"]), and install librabbitmq-dev"
)
public struct RabbitMQConfiguration: Sendable {}

/// How events go to RabbitMQ. It needs the package trait `RabbitMQ`.
@available(
    *, unavailable,
    message: "enable the trait RabbitMQ: .package(..., traits: [\"RabbitMQ\"]), and install librabbitmq-dev"
)
public struct RabbitMQEventSinkConfiguration: Sendable {}

/// How messages come from RabbitMQ. It needs the package trait `RabbitMQ`.
@available(
    *, unavailable,
    message: "enable the trait RabbitMQ: .package(..., traits: [\"RabbitMQ\"]), and install librabbitmq-dev"
)
public struct RabbitMQEventSourceConfiguration: Sendable {}

/// What a sink or a source declares. It needs the package trait `RabbitMQ`.
@available(
    *, unavailable,
    message: "enable the trait RabbitMQ: .package(..., traits: [\"RabbitMQ\"]), and install librabbitmq-dev"
)
public struct RabbitMQTopology: Sendable {}
#endif

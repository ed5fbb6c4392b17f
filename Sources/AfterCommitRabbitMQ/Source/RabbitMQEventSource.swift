#if RabbitMQ
public import AfterCommit
public import Logging

/// Takes events from a queue of RabbitMQ, with manual acknowledgement.
///
/// ```swift
/// let source = try RabbitMQEventSource(
///     RabbitMQConfiguration("amqps://data:secret@rabbit.example/shop"),
///     configuration: RabbitMQEventSourceConfiguration(queue: "data-platform"), logger: logger)
/// ```
///
/// | settled as | what the broker is told | what it does |
/// |---|---|---|
/// | `accepted` | `basic.ack` | forgets the message |
/// | `rejected` | `basic.nack` without requeue | sends it to the dead-letter exchange of the queue, or forgets it if there is none |
/// | `returned` | `basic.nack` with requeue | gives it out again, at once |
///
/// What was not settled when the connection ends is given out again. A message says how often that has happened: the count of
/// a quorum queue (`x-delivery-count`), or 1 where another queue says that it was given out before.
///
/// CloudEvents are read in binary mode, headers `cloudEvents_id` or `cloudEvents:id`, and in structured mode. One source has
/// one connection and one thread of its own.
public final class RabbitMQEventSource: EventSource {
    /// `rabbitmq/` and the queue.
    public let name: String
    private let subscriber: Subscriber

    /// - Parameters:
    ///   - broker: where to connect to.
    ///   - configuration: what is taken.
    ///   - logger: told of messages that are too large.
    ///   - clock: measures how long the broker takes for an answer.
    /// - Throws: ``RabbitMQError`` with `invalidConfiguration`. The broker need not be there.
    public init(
        _ broker: RabbitMQConfiguration, configuration: RabbitMQEventSourceConfiguration, logger: Logger,
        clock: any Clock<Duration> = ContinuousClock()
    ) throws {
        try broker.validate()
        try configuration.validate()
        name = "rabbitmq/\(configuration.queue)"
        subscriber = try Subscriber(broker, configuration, time: TimeSource(clock), logger: logger)
    }

    /// - Throws: `CancellationError`; ``RabbitMQError`` where the broker is away, or the queue is not there or was deleted.
    public func receive(upTo limit: Int) async throws -> [IncomingMessage] {
        let waiter = ReceiveWaiter(limit: limit)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                waiter.begin(continuation)
                subscriber.submit(waiter)
            }
        } onCancel: {
            waiter.cancel()
        }
    }

    /// - Throws: ``RabbitMQError`` where the connection was lost; the broker gives the messages out again.
    public func settle(_ settlements: [MessageSettlement]) async throws {
        try await subscriber.settle(settlements)
    }

    public func close() async {
        await subscriber.close()
    }
}
#endif

#if RabbitMQ
public import AfterCommit
import Foundation

/// Sends events to RabbitMQ as CloudEvents 1.0: persistent messages with publisher confirms.
///
/// ```swift
/// let sink = try RabbitMQEventSink(
///     RabbitMQConfiguration("amqps://shop:secret@rabbit.example/shop"),
///     configuration: RabbitMQEventSinkConfiguration(exchange: "shop"))
/// Subscription("relay", to: OrderPlaced.self, policy: .days, sink: sink)
/// ```
///
/// An event is sent when the broker has confirmed it, so when every queue that it goes to has stored it. What the broker does
/// not take, and what no queue is bound for, is a failed attempt of that event alone; so is what is under way when the
/// connection or the channel is lost, though it may have arrived: receivers see an event at least once, with the same id.
/// A message that is too large for the broker is permanent.
///
/// The sink connects when something is to be sent. While the broker is away, and while it is short of memory or disk
/// (`connection.blocked`), sends fail at once, so that the engine's breaker opens and the events wait in its storage: the sink
/// keeps none.
///
/// In binary mode the attributes are headers `cloudEvents_id`, `cloudEvents_source` and so on (CloudEvents 1.0, AMQP binding,
/// section 3.1), the payload is the body, and the properties `message_id`, `type`, `timestamp`, `content_type` and
/// `delivery_mode` are set too.
///
/// Several batches may be under way at once. One sink has one connection and one thread of its own.
public final class RabbitMQEventSink: BatchEventSink {
    private let configuration: RabbitMQEventSinkConfiguration
    private let publisher: Publisher

    /// - Parameters:
    ///   - broker: where to connect to.
    ///   - configuration: what is published where.
    ///   - clock: measures the wait before it connects again, and how long the broker takes for an answer.
    ///   - random: spreads the waits.
    /// - Throws: ``RabbitMQError`` with `invalidConfiguration`. The broker need not be there.
    public init(
        _ broker: RabbitMQConfiguration, configuration: RabbitMQEventSinkConfiguration,
        clock: any Clock<Duration> = ContinuousClock(),
        random: any RandomNumberGenerator & Sendable = Xoshiro256.seededFromSystem()
    ) throws {
        try broker.validate()
        try configuration.validate()
        self.configuration = configuration
        publisher = try Publisher(broker, configuration, time: TimeSource(clock), random: random)
    }

    public var batch: BatchSize { configuration.batch }

    /// Publishes events and waits for the broker's word on each. A task that is cancelled gets what is known by then; the
    /// others count as failed, and may arrive.
    public func send(_ events: [OutgoingEvent]) async -> [SendOutcome] {
        var messages: [OutgoingMessage] = []
        messages.reserveCapacity(events.count)
        var outcomes = [SendOutcome?](repeating: nil, count: events.count)
        for (index, event) in events.enumerated() {
            do {
                messages.append(try OutgoingMessage(event, index: index, configuration: configuration))
            } catch {
                outcomes[index] = .failed(HandlerOutcome.permanent(error))
            }
        }
        guard !messages.isEmpty else { return outcomes.compactMap { $0 } }
        let batch = PublishBatch(messages, outcomes: outcomes)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                batch.begin(continuation)
                publisher.submit(batch)
            }
        } onCancel: {
            batch.abandon(RabbitMQError(.cancelled, "the sending was cancelled before the broker had confirmed it"))
        }
    }

    /// Ends the connection and its thread. What is under way fails, as does every send from then on. A try to connect that is
    /// under way is waited for, for the configuration's `connectTimeout` at most for each host.
    public func close() async {
        await publisher.close()
    }
}
#endif

#if Kafka
public import AfterCommit
import Foundation
public import Logging

/// Sends events to Kafka as CloudEvents 1.0, in batches, with an idempotent producer and `acks=all`.
///
/// ```swift
/// let kafka = try KafkaConfiguration(bootstrapServers: "kafka-1.example:9092,kafka-2.example:9092")
/// let sink = try KafkaEventSink(kafka, topic: "orders", logger: logger)
/// Subscription("orders", to: OrderPlaced.self, sink: sink)
/// ```
///
/// The message's key is the event's ordering key, so that events of one key are in one partition, in commit order; without an
/// ordering key there is no key. In binary mode the attributes are headers `ce_id`, `ce_type` ... and the value is the payload
/// (CloudEvents 1.0, Kafka Protocol Binding, section 3.2).
///
/// An event is sent when its delivery report says that all replicas in sync have it. A message that is too large, or has a name
/// of a topic that none can have, is permanent: a dead letter at once. Everything else, such as too few replicas, an unknown
/// topic or a timeout, is a failed attempt (``KafkaError``). An event of a failed or cancelled attempt may have arrived all the
/// same: receivers see it once or twice, with the same id.
///
/// While no broker can be reached one batch is tried after another and the others fail at once, so that the endpoint's breaker
/// opens and nothing piles up in memory. A full queue of the client (`queue.buffering.max.messages`) is backpressure: the batch
/// waits. After a fatal error of the client everything pending fails with it, and another client is made.
public struct KafkaEventSink: BatchEventSink {
    public let batch: BatchSize
    let producer: KafkaProducer
    private let topic: KafkaTopic
    private let configuration: KafkaEventSinkConfiguration
    private let warning = OnceFlag()

    /// - Parameters:
    ///   - kafka: where the brokers are.
    ///   - topic: where events go. Default: the topic that is named like the event's type.
    ///   - configuration: timeouts, names and sizes.
    ///   - logger: the client's log goes there too, as notices and debug lines.
    ///   - clock: measures the times to wait before a client is made anew, and to close.
    ///   - random: spreads the waits.
    /// - Throws: ``KafkaError`` for a configuration that cannot work. The brokers need not be there.
    public init(
        _ kafka: KafkaConfiguration, topic: KafkaTopic = .eventType,
        configuration: KafkaEventSinkConfiguration = KafkaEventSinkConfiguration(), logger: Logger,
        clock: any Clock<Duration> = ContinuousClock(),
        random: any RandomNumberGenerator & Sendable = Xoshiro256.seededFromSystem()
    ) throws(KafkaError) {
        try configuration.validate()
        if case .named(let name) = topic.choice { try KafkaTopic.check(name) }
        self.topic = topic
        self.configuration = configuration
        batch = configuration.batch
        producer = try KafkaProducer(
            kafka, messageTimeout: configuration.messageTimeout,
            renewal: RetryGate(configuration.backoff, firstAtOnce: true, random: random),
            time: TimeSource(clock), logger: logger)
    }

    /// Sends events and returns when the report of each has come. Several calls may be under way.
    ///
    /// Cancelled, it returns at once; what had no report yet counts as failed, and may arrive all the same.
    public func send(_ events: [OutgoingEvent]) async -> [SendOutcome] {
        if let context = events.first?.context, context.policyTimeout <= configuration.messageTimeout, warning.set() {
            context.logger.warning(
                "the subscription's timeout is not longer than the sink's messageTimeout: attempts end before their reports come, and events arrive more than once"
            )
        }
        var outcomes = [SendOutcome](repeating: .sent, count: events.count)
        var records: [KafkaRecord] = []
        var indices: [Int] = []
        records.reserveCapacity(events.count)
        indices.reserveCapacity(events.count)
        for (index, event) in events.enumerated() {
            do throws(KafkaError) {
                records.append(try record(of: event))
                indices.append(index)
            } catch {
                outcomes[index] = .failed(HandlerOutcome.permanent(error))
            }
        }
        let errors = await producer.send(records)
        for (place, error) in errors.enumerated() {
            guard let error else { continue }
            outcomes[indices[place]] = .failed(error.isPermanent ? HandlerOutcome.permanent(error) : error)
        }
        return outcomes
    }

    private func record(of event: OutgoingEvent) throws(KafkaError) -> KafkaRecord {
        let cloudEvent = CloudEvent(event, naming: configuration.naming)
        let name = topic.name(for: event, as: cloudEvent)
        // One that is named was checked when the sink was made.
        if case .named = topic.choice {} else { try KafkaTopic.check(name) }
        return KafkaRecord(
            event: cloudEvent, topic: name, key: event.context.envelope.orderingKey,
            mode: configuration.contentMode)
    }

    /// Waits for the reports of what was sent, at most ``KafkaEventSinkConfiguration/closeTimeout`` long, and ends the
    /// client. Later calls of ``send(_:)`` fail.
    public func close() async {
        await producer.close(patience: configuration.closeTimeout)
    }
}

extension DeliveryContext {
    /// The timeout of the subscription's policy, to the millisecond.
    fileprivate var policyTimeout: Duration {
        .milliseconds(Int64((deadline.timeIntervalSince(startedAt) * 1000).rounded()))
    }
}

/// Something that is said once.
final class OnceFlag: Sendable {
    private let isSet = Locked(false)

    /// - Returns: whether it was the first time.
    func set() -> Bool {
        isSet.withLock { isSet in
            defer { isSet = true }
            return !isSet
        }
    }
}
#endif

#if Kafka
public import AfterCommit
public import Logging

/// Takes events from topics of Kafka, as a member of a consumer group.
///
/// ```swift
/// let kafka = try KafkaConfiguration(bootstrapServers: "kafka-1.example:9092,kafka-2.example:9092")
/// let source = try KafkaEventSource(
///     kafka, topics: ["orders"], group: "data-platform", deadLetterTopic: "data-platform.dead", logger: logger)
/// let messages = try await source.receive(upTo: 100)
/// ```
///
/// All members of a group share the topics' partitions, by the strategy `cooperative-sticky`: a member that comes or goes stops
/// only the partitions that move. Every member of the group must use it.
///
/// A partition's offset goes on only over messages that are settled, in their order: what was not settled comes again after a
/// restart or on another member, at least once. Offsets are committed every second, when partitions are revoked, and at the
/// close. A rejected message is written to the dead-letter topic first, with key, value and headers as they came and with the
/// headers `aftercommit.reason`, `aftercommit.topic`, `aftercommit.partition`, `aftercommit.offset` and `aftercommit.group`. A
/// returned message is given out again from memory.
///
/// ``KafkaEventSourceConfiguration/maxOutstanding`` messages may be out at once; past it none is given out until some are
/// settled. The client takes part in its group meanwhile, and holds what it has fetched ahead (`queued.max.messages.kbytes`).
/// A partition of which 16 times as many wait behind a message that is not settled is paused.
public struct KafkaEventSource: EventSource {
    public let name: String
    let consumer: KafkaConsumer
    private let configuration: KafkaEventSourceConfiguration

    /// - Parameters:
    ///   - kafka: where the brokers are.
    ///   - topics: their names; one that begins with `^` is a regular expression (POSIX, extended).
    ///   - group: the consumer group.
    ///   - deadLetterTopic: where rejected messages go, which none of `topics` may take. Without one, settling a rejected
    ///     message throws, and it comes again after a while.
    ///   - configuration: limits and timeouts.
    ///   - logger: the client's log goes there too, as notices and debug lines.
    ///   - clock: measures the times to wait before a client is made anew or a message given out again, and to close.
    ///   - random: spreads the waits.
    /// - Throws: ``KafkaError`` for a configuration that cannot work. The brokers need not be there.
    public init(
        _ kafka: KafkaConfiguration, topics: [String], group: String, deadLetterTopic: String? = nil,
        configuration: KafkaEventSourceConfiguration = KafkaEventSourceConfiguration(), logger: Logger,
        clock: any Clock<Duration> = ContinuousClock(),
        random: any RandomNumberGenerator & Sendable = Xoshiro256.seededFromSystem()
    ) throws(KafkaError) {
        try configuration.validate()
        guard !topics.isEmpty else { throw KafkaError(.invalidConfiguration, "topics is empty; name one or more") }
        if let deadLetterTopic { try KafkaTopic.check(deadLetterTopic) }
        for topic in topics { try Self.check(topic, deadLetterTopic) }
        guard !group.isEmpty else {
            throw KafkaError(.invalidConfiguration, "group is empty; name the consumer group, one for each application")
        }
        name = "kafka/\(topics.joined(separator: ","))"
        self.configuration = configuration
        consumer = try KafkaConsumer(
            kafka, topics: topics, group: group, deadLetterTopic: deadLetterTopic, settings: configuration,
            time: TimeSource(clock), random: random, logger: logger)
    }

    private static func check(_ topic: String, _ deadLetterTopic: String?) throws(KafkaError) {
        let takesDeadLetters: Bool
        if TopicPattern.describes(topic) {
            let pattern = try TopicPattern(topic)
            takesDeadLetters = deadLetterTopic.map { pattern.matches($0) } ?? false
        } else {
            try KafkaTopic.check(topic)
            takesDeadLetters = topic == deadLetterTopic
        }
        // Dead letters that come back are rejected again, without end.
        guard !takesDeadLetters else {
            throw KafkaError(
                .invalidConfiguration,
                "deadLetterTopic is \((deadLetterTopic ?? "").debugDescription), which \(topic.debugDescription) takes too"
            )
        }
    }

    /// Waits for messages; the first call joins the group.
    /// - Throws: ``KafkaError`` where no broker can be reached, the topics cannot be read or the source is closed;
    ///   `CancellationError`, and nothing is lost then.
    public func receive(upTo limit: Int) async throws -> [IncomingMessage] {
        try await consumer.receive(upTo: limit).map { $0.message.message(receipt: $0.receipt) }
    }

    /// Stores the offsets of what is settled, and writes dead letters.
    /// - Throws: ``KafkaError`` where dead letters cannot be written, or none are configured; those messages come again.
    public func settle(_ settlements: [MessageSettlement]) async throws {
        try await consumer.settle(settlements)
    }

    /// Commits what was settled, leaves the group and ends the client, at most
    /// ``KafkaEventSourceConfiguration/closeTimeout`` long.
    public func close() async {
        await consumer.close(patience: configuration.closeTimeout)
    }
}
#endif

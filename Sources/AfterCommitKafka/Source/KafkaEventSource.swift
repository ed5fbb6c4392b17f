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
/// ``Options/maxOutstanding`` messages may be out at once; past it none is given out until some are settled. The client takes
/// part in its group meanwhile, and holds what it has fetched ahead (`queued.max.messages.kbytes`).
public struct KafkaEventSource: EventSource {
    public let name: String
    let consumer: KafkaConsumer
    private let options: Options

    /// - Parameters:
    ///   - kafka: where the brokers are.
    ///   - topics: their names; one that begins with `^` is a regular expression.
    ///   - group: the consumer group.
    ///   - deadLetterTopic: where rejected messages go. Without one, settling a rejected message throws, and it comes again.
    ///   - options: limits and timeouts.
    ///   - logger: the client's log goes there too, as notices and debug lines.
    ///   - clock: measures the times to wait before a client is made anew, and to close.
    /// - Throws: ``KafkaError`` for a configuration that cannot work. The brokers need not be there.
    public init(
        _ kafka: KafkaConfiguration, topics: [String], group: String, deadLetterTopic: String? = nil,
        options: Options = Options(), logger: Logger, clock: any Clock<Duration> = ContinuousClock()
    ) throws(KafkaError) {
        try options.validate()
        guard !topics.isEmpty else { throw KafkaError(.invalidConfiguration, "topics is empty; name one or more") }
        for topic in topics where !topic.hasPrefix("^") { try KafkaTopic.check(topic) }
        guard !group.isEmpty else {
            throw KafkaError(.invalidConfiguration, "group is empty; name the consumer group, one for each application")
        }
        if let deadLetterTopic {
            try KafkaTopic.check(deadLetterTopic)
            guard !topics.contains(deadLetterTopic) else {
                throw KafkaError(
                    .invalidConfiguration, "deadLetterTopic is \(deadLetterTopic), which is one of the topics")
            }
        }
        name = "kafka/\(topics.joined(separator: ","))"
        self.options = options
        consumer = try KafkaConsumer(
            kafka, topics: topics, group: group, deadLetterTopic: deadLetterTopic, options: options,
            time: TimeSource(clock), logger: logger)
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

    /// Commits what was settled, leaves the group and ends the client, at most ``Options/closeTimeout`` long.
    public func close() async {
        await consumer.close(patience: options.closeTimeout)
    }
}

extension KafkaEventSource {
    /// How a source receives.
    public struct Options: Sendable {
        /// How many messages may be given out and not be settled. Default 4,096.
        public var maxOutstanding: Int
        /// How long writing a dead letter may take, between 1 s and 1 hour. Default 20 s.
        public var deadLetterTimeout: Duration
        /// How long ``KafkaEventSource/close()`` waits for the last commit. Default 5 s.
        public var closeTimeout: Duration
        /// How long to wait before a client is made anew when fatal errors follow each other; after a first one there is no
        /// wait. Default 0.5 s to 30 s.
        public var backoff: Backoff

        public init(
            maxOutstanding: Int = 4_096, deadLetterTimeout: Duration = .seconds(20),
            closeTimeout: Duration = .seconds(5),
            backoff: Backoff = .exponential(base: .milliseconds(500), factor: 2, cap: .seconds(30))
        ) {
            self.maxOutstanding = maxOutstanding
            self.deadLetterTimeout = deadLetterTimeout
            self.closeTimeout = closeTimeout
            self.backoff = backoff
        }

        var renewal: ClientRenewal { ClientRenewal(backoff: backoff, random: SystemRandomNumberGenerator()) }

        func validate() throws(KafkaError) {
            guard maxOutstanding > 0 else {
                throw KafkaError(.invalidConfiguration, "maxOutstanding is \(maxOutstanding); it must be 1 or more")
            }
            guard (Duration.seconds(1)...Duration.seconds(3_600)).contains(deadLetterTimeout) else {
                throw KafkaError(
                    .invalidConfiguration, "deadLetterTimeout is \(deadLetterTimeout); it must be 1 s to 1 hour")
            }
            guard closeTimeout >= .zero else {
                throw KafkaError(.invalidConfiguration, "closeTimeout is \(closeTimeout); it must not be negative")
            }
        }
    }
}
#endif

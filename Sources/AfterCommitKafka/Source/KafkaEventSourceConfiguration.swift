#if Kafka
public import AfterCommit

/// How a ``KafkaEventSource`` receives.
public struct KafkaEventSourceConfiguration: Sendable {
    /// How many messages may be given out and not be settled. Default 4,096.
    public var maxOutstanding: Int
    /// How long writing a dead letter may take, between 1 s and 1 hour. Default 20 s.
    public var deadLetterTimeout: Duration
    /// How long ``KafkaEventSource/close()`` waits for the last commit. Default 5 s.
    public var closeTimeout: Duration
    /// How long to wait before a client is made anew when fatal errors follow each other, without a wait after a first one;
    /// and before a message is given out again that could not be written to the dead letters, at least 0.1 s. Behind such a
    /// message no offset is committed. Default 0.5 s to 30 s.
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
#endif

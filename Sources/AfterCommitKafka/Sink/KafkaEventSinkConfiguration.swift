#if Kafka
public import AfterCommit

/// How a ``KafkaEventSink`` sends.
public struct KafkaEventSinkConfiguration: Sendable {
    /// How many events a call gets at most, and how long the first may wait for company. Default 500 without waiting.
    public var batch: BatchSize
    /// Where a CloudEvent's attributes go: into headers, or with the payload into one JSON object. Default binary.
    public var contentMode: CloudEvent.ContentMode
    /// How events are named outside. Default: as inside.
    public var naming: CloudEventNaming
    /// How long the client tries to deliver a message before it reports a failure (`message.timeout.ms`), between 1 s and
    /// 1 hour. Default 20 s.
    ///
    /// It must be shorter than the timeout of the subscription's policy (30 s by default), or attempts end before their
    /// reports come and events arrive more than once; the sink warns of it once.
    public var messageTimeout: Duration
    /// How long ``KafkaEventSink/close()`` waits for reports. Default 5 s.
    public var closeTimeout: Duration
    /// How long to wait before a client is made anew when fatal errors follow each other; after a first one there is no
    /// wait. Default 0.5 s to 30 s.
    public var backoff: Backoff

    public init(
        batch: BatchSize = BatchSize(500), contentMode: CloudEvent.ContentMode = .binary,
        naming: CloudEventNaming = CloudEventNaming(), messageTimeout: Duration = .seconds(20),
        closeTimeout: Duration = .seconds(5),
        backoff: Backoff = .exponential(base: .milliseconds(500), factor: 2, cap: .seconds(30))
    ) {
        self.batch = batch
        self.contentMode = contentMode
        self.naming = naming
        self.messageTimeout = messageTimeout
        self.closeTimeout = closeTimeout
        self.backoff = backoff
    }

    func validate() throws(KafkaError) {
        guard (Duration.seconds(1)...Duration.seconds(3_600)).contains(messageTimeout) else {
            throw KafkaError(.invalidConfiguration, "messageTimeout is \(messageTimeout); it must be 1 s to 1 hour")
        }
        guard batch.size > 0 else {
            throw KafkaError(.invalidConfiguration, "batch.size is \(batch.size); it must be 1 or more")
        }
        guard closeTimeout >= .zero else {
            throw KafkaError(.invalidConfiguration, "closeTimeout is \(closeTimeout); it must not be negative")
        }
    }
}
#endif

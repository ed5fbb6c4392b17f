public import Metrics

/// How a consumer takes messages.
public struct ConsumerConfiguration: Sendable {
    /// How many messages are stored in one commit at most. Default 500.
    public var batchSize: Int
    /// Taken off the types of received events, with its dot: with `com.example` what arrives as `com.example.order.placed`
    /// is `order.placed` here. Default none.
    public var eventTypePrefix: String?
    /// How long to wait before the broker, or the storage, is tried again. Default 0.1 s, doubled up to 30 s, with jitter.
    public var backoff: Backoff
    /// Makes the metrics. Default: the system's, as it is when this value is made.
    public var metrics: any MetricsFactory

    public init(
        batchSize: Int = 500, eventTypePrefix: String? = nil,
        backoff: Backoff = .exponential(base: .milliseconds(100), factor: 2, cap: .seconds(30)),
        metrics: any MetricsFactory = MetricsSystem.factory
    ) {
        self.batchSize = batchSize
        self.eventTypePrefix = eventTypePrefix
        self.backoff = backoff
        self.metrics = metrics
    }

    func validate(name: String) throws(ConsumerError) {
        guard batchSize > 0 else {
            throw ConsumerError(.invalidConfiguration, "batchSize of the consumer \(name) must be at least 1")
        }
        guard (1...90).contains(name.utf8.count), !name.contains("/"), DeliveryLog.oneLine(name) == name else {
            throw ConsumerError(
                .invalidConfiguration,
                "the consumer's name \(name.debugDescription) must have 1 to 90 bytes, no slash and no control character"
            )
        }
    }
}

/// What a consumer has done since it began.
public struct ConsumerTotals: Sendable, Hashable, Codable {
    /// Messages that the source gave out.
    public var received = 0
    /// Events that are stored now, or handled in direct mode.
    public var taken = 0
    /// Messages whose event was known already: nothing was done again.
    public var duplicates = 0
    /// Messages that are no events that can be taken, and are dead letters here, or rejected in direct mode.
    public var unreadable = 0
    /// Messages that were given to the broker's dead letters.
    public var rejected = 0
    /// How often the broker could not be reached.
    public var failedReceives = 0

    public init() {}
}

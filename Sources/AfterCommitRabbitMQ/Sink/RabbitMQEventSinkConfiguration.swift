#if RabbitMQ
public import AfterCommit

/// What a ``RabbitMQEventSink`` publishes, and where to.
public struct RabbitMQEventSinkConfiguration: Sendable {
    /// Which routing key an event has.
    public struct RoutingKey: Sendable {
        private let key: @Sendable (_ cloudEvent: CloudEvent, _ event: OutgoingEvent) -> String

        /// The event's type as it is named outside, such as `order.placed`.
        public static let eventType = Self { cloudEvent, _ in cloudEvent.type }

        /// The same for all. With the default exchange it is the name of a queue.
        public static func fixed(_ key: String) -> Self { Self { _, _ in key } }

        /// What `key` says, of at most 255 bytes.
        public static func custom(_ key: @escaping @Sendable (OutgoingEvent) -> String) -> Self {
            Self { _, event in key(event) }
        }

        private init(_ key: @escaping @Sendable (CloudEvent, OutgoingEvent) -> String) {
            self.key = key
        }

        func callAsFunction(_ cloudEvent: CloudEvent, _ event: OutgoingEvent) -> String { key(cloudEvent, event) }
    }

    /// The exchange; empty for the default one, which sends to the queue that the routing key names.
    public var exchange: String
    /// Default ``RoutingKey/eventType``.
    public var routingKey: RoutingKey
    /// Where attributes go (CloudEvents 1.0, AMQP binding, section 3). Default binary: headers `cloudEvents_id` and so on.
    public var contentMode: CloudEvent.ContentMode
    /// How events are named outside.
    public var naming: CloudEventNaming
    /// How many events are sent at once. Default 500.
    public var batch: BatchSize
    /// Larger payloads are dead letters at once, in bytes. Default 128 MiB, the broker's own default before version 4; what
    /// the broker says when it refuses one counts from then on.
    public var maxMessageBytes: Int
    /// What is made or looked for before anything is published. Default nothing.
    public var topology: RabbitMQTopology
    /// How long to wait before connecting is tried again. Meanwhile sends fail at once. Default 0.2 s, doubled up to 5 s.
    public var backoff: Backoff

    public init(
        exchange: String, routingKey: RoutingKey = .eventType, contentMode: CloudEvent.ContentMode = .binary,
        naming: CloudEventNaming = CloudEventNaming(), batch: BatchSize = BatchSize(500),
        maxMessageBytes: Int = 134_217_728, topology: RabbitMQTopology = .none,
        backoff: Backoff = .exponential(base: .milliseconds(200), factor: 2, cap: .seconds(5))
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.contentMode = contentMode
        self.naming = naming
        self.batch = batch
        self.maxMessageBytes = maxMessageBytes
        self.topology = topology
        self.backoff = backoff
    }

    func validate() throws(RabbitMQError) {
        guard exchange.utf8.count <= 255 else {
            throw RabbitMQError(.invalidConfiguration, "exchange is longer than 255 bytes")
        }
        guard batch.size >= 1, maxMessageBytes >= 1 else {
            throw RabbitMQError(.invalidConfiguration, "batch and maxMessageBytes must be 1 or more")
        }
        try topology.validate()
    }
}
#endif

#if RabbitMQ
/// What a ``RabbitMQEventSource`` takes from.
public struct RabbitMQEventSourceConfiguration: Sendable, Hashable {
    /// The queue's name.
    public var queue: String
    /// How many messages may be out at once, handed out and waiting to be, 1 to 65535. They are in memory. Default
    /// 1,000, two batches of an `EventConsumer`: it stores one and takes the next.
    public var prefetch: Int
    /// Larger messages are rejected unseen, to the dead letters of the queue, in bytes. Default 16 MiB.
    public var maxMessageBytes: Int
    /// What is made or looked for before anything is taken. Default nothing: the queue must exist.
    public var topology: RabbitMQTopology

    public init(
        queue: String, prefetch: Int = 1_000, maxMessageBytes: Int = 16_777_216, topology: RabbitMQTopology = .none
    ) {
        self.queue = queue
        self.prefetch = prefetch
        self.maxMessageBytes = maxMessageBytes
        self.topology = topology
    }

    func validate() throws(RabbitMQError) {
        guard !queue.isEmpty, queue.utf8.count <= 255 else {
            throw RabbitMQError(.invalidConfiguration, "queue must have 1 to 255 bytes")
        }
        guard (1...Int(UInt16.max)).contains(prefetch) else {
            throw RabbitMQError(.invalidConfiguration, "prefetch is \(prefetch); it must be 1 to 65535")
        }
        guard maxMessageBytes >= 1 else {
            throw RabbitMQError(.invalidConfiguration, "maxMessageBytes must be 1 or more")
        }
        try topology.validate()
    }
}
#endif

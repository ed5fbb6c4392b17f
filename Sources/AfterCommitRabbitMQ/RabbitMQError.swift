#if RabbitMQ
public import AfterCommit

/// What RabbitMQ refused, or why it could not be asked. No password is in it.
public struct RabbitMQError: Error, Hashable, CustomStringConvertible {
    /// What is wrong. More codes may come; switch with a default.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// Nobody answers at any of the hosts, or not in time. Also while the sink waits before it tries again.
        public static let unreachable = Code(description: "unreachable")
        /// The broker does not let this user in, or not into this virtual host.
        public static let accessRefused = Code(description: "access-refused")
        /// No TLS connection: a certificate that is not accepted, or no TLS at the other end. Nothing was sent.
        public static let tls = Code(description: "tls")
        /// The connection was lost. What was under way may have arrived.
        public static let connectionLost = Code(description: "connection-lost")
        /// The broker closed the channel: ``RabbitMQError/replyCode`` and the message say why, such as 404 for an exchange
        /// that does not exist. What was under way on it may have arrived.
        public static let channelClosed = Code(description: "channel-closed")
        /// No queue is bound that the event could go to.
        public static let unroutable = Code(description: "unroutable")
        /// The broker did not take the event (`basic.nack`): a queue is full, or could not store it.
        public static let refused = Code(description: "refused")
        /// The broker is short of memory or disk and takes no events for now (`connection.blocked`).
        public static let blocked = Code(description: "blocked")
        /// The message is larger than the broker takes.
        public static let tooLarge = Code(description: "too-large")
        /// The event does not fit into a message: a name that is too long, or too many headers.
        public static let invalidMessage = Code(description: "invalid-message")
        /// An exchange or a queue is there, and is not as it is declared (406).
        public static let topologyMismatch = Code(description: "topology-mismatch")
        /// An exchange or a queue is not there (404).
        public static let topologyMissing = Code(description: "topology-missing")
        /// The broker ended the subscription to the queue, most often because the queue was deleted.
        public static let consumerCancelled = Code(description: "consumer-cancelled")
        /// The task that sent was cancelled before the broker had answered. The event may have arrived.
        public static let cancelled = Code(description: "cancelled")
        /// The sink or the source was closed.
        public static let closed = Code(description: "closed")
        /// A URL or a setting that cannot work.
        public static let invalidConfiguration = Code(description: "invalid-configuration")
    }

    public let code: Code
    /// What is wrong, in the broker's or the library's words.
    public let message: String
    /// The broker's reply code (AMQP 0-9-1, section 1.2), such as 404; `nil` where it gave none.
    public let replyCode: Int?

    init(_ code: Code, _ message: String, replyCode: Int? = nil) {
        self.code = code
        self.message = message
        self.replyCode = replyCode
    }

    public var description: String {
        let advice = code.advice.map { "; \($0)" } ?? ""
        return "\(code): \(message)\(advice)"
    }
}

extension RabbitMQError.Code {
    /// What to do about it.
    private static let advices: [Self: String] = [
        .accessRefused: "check the user, its password and its permissions for the virtual host",
        .tls: "check the certificates on both sides, and that the port speaks TLS",
        .unroutable: "bind a queue to the exchange for this routing key",
        .blocked: "give the broker memory or disk, or let its consumers catch up",
        .topologyMismatch: "change the declaration to what exists, or delete what exists",
        .topologyMissing: "create it, or use RabbitMQTopology.declare",
    ]

    var advice: String? { Self.advices[self] }
}

extension RabbitMQError: DeliveryFailureDescribing {
    /// `rabbitmq.` and the code, so that dead letters group by it.
    public var failureType: String { "rabbitmq.\(code)" }
    /// The broker's reply code.
    public var failureStatus: Int? { replyCode }
}
#endif

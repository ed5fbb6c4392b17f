#if RabbitMQ
import AfterCommit

extension IncomingMessage {
    /// CloudEvents 1.0, AMQP binding, section 3.1.3.1: both are read.
    private static let prefixes = ["cloudEvents_", "cloudEvents:"]

    /// `nil` for a message whose body was not taken.
    init?(_ message: DeliveredMessage, generation: UInt64) {
        guard let body = message.body else { return nil }
        self.init(
            receipt: Receipt(channel: generation, tag: message.tag), body: body, contentType: message.contentType,
            headers: message.headers, attributePrefixes: Self.prefixes, redeliveries: Self.redeliveries(message))
    }

    /// Quorum queues count how often a message came back. Other queues say whether it was given out before.
    private static func redeliveries(_ message: DeliveredMessage) -> Int {
        let counted = message.headers["x-delivery-count"].flatMap { Int($0) } ?? 0
        return max(counted, message.isRedelivered ? 1 : 0)
    }
}
#endif

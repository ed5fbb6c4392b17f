#if RabbitMQ
import AfterCommit
import Foundation

/// What the broker says unasked. Nothing in it belongs to the library any more.
enum BrokerEvent: Sendable {
    /// Publisher confirms: up to this tag and with it, or this tag alone.
    case confirmed(tag: UInt64, multiple: Bool)
    case refused(tag: UInt64, multiple: Bool)
    case returned(ReturnedMessage)
    case delivered(DeliveredMessage)
    /// The broker ended the subscription to the queue.
    case consumerCancelled
    case channelClosed(RabbitMQError)
    case blocked(reason: String)
    case unblocked
}

/// A message that could not be routed.
struct ReturnedMessage: Sendable {
    let code: Int
    let text: String
    let route: MessageRoute
    var messageID = ""
}

/// A message from a queue.
struct DeliveredMessage: Sendable {
    let tag: UInt64
    let isRedelivered: Bool
    var contentType: String?
    var headers: [String: String] = [:]
    /// `nil` where it was larger than what is taken.
    var body: Data?
    var size: UInt64 = 0
}
#endif

#if RabbitMQ
import CRabbitMQ
import Foundation

/// Puts a message together: its method, its header and its body come in frames of their own (AMQP 0-9-1, section 2.3.5.2).
struct ContentAssembly {
    /// A frame that is not the one that must come now.
    struct Unexpected: Error {}

    private enum Method {
        case returned(ReturnedMessage)
        case delivered(DeliveredMessage)
    }

    private var method: Method
    private var body = Data()
    private var size: UInt64?
    private var received: UInt64 = 0
    private let maxBodyBytes: Int

    init(_ method: amqp_basic_return_t) {
        self.method = .returned(
            ReturnedMessage(
                code: Int(method.reply_code), text: String(method.reply_text),
                route: MessageRoute(exchange: String(method.exchange), routingKey: String(method.routing_key))))
        // The sink still has it.
        maxBodyBytes = 0
    }

    init(_ method: amqp_basic_deliver_t, maxBodyBytes: Int) {
        self.method = .delivered(DeliveredMessage(tag: method.delivery_tag, isRedelivered: method.redelivered != 0))
        self.maxBodyBytes = maxBodyBytes
    }

    private var keepsBody: Bool { size.map { $0 <= UInt64(maxBodyBytes) } ?? false }

    mutating func takeHeader(_ properties: amqp_basic_properties_t, bodySize: UInt64) throws {
        guard size == nil else { throw Unexpected() }
        size = bodySize
        let has = { (flag: Int32) in properties._flags & amqp_flags_t(flag) != 0 }
        switch method {
        case .returned(var message):
            if has(AMQP_BASIC_MESSAGE_ID_FLAG) { message.messageID = String(properties.message_id) }
            method = .returned(message)
        case .delivered(var message):
            message.size = bodySize
            if has(AMQP_BASIC_CONTENT_TYPE_FLAG) { message.contentType = String(strictly: properties.content_type) }
            if has(AMQP_BASIC_HEADERS_FLAG) { message.headers = HeaderText.texts(of: properties.headers) }
            method = .delivered(message)
            if keepsBody { body.reserveCapacity(Int(bodySize)) }
        }
    }

    mutating func takeBody(_ fragment: amqp_bytes_t) throws {
        guard let size, received + UInt64(fragment.len) <= size else { throw Unexpected() }
        received += UInt64(fragment.len)
        if keepsBody, let bytes = fragment.bytes {
            body.append(bytes.assumingMemoryBound(to: UInt8.self), count: fragment.len)
        }
    }

    /// The message, once all of it has come.
    var event: BrokerEvent? {
        guard received == size else { return nil }
        switch method {
        case .returned(let message): return .returned(message)
        case .delivered(var message):
            message.body = keepsBody ? body : nil
            return .delivered(message)
        }
    }
}
#endif

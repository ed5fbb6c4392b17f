#if RabbitMQ
import AfterCommit
import CRabbitMQ
import Foundation

/// An event as it is published: made by whoever sends it, so that the connection's thread only writes.
struct OutgoingMessage: Sendable {
    /// Its place among the events that are sent together.
    let index: Int
    let id: EventID
    let route: MessageRoute
    let body: Data
    private let arena: BytesArena
    private let exchange: BytesArena.Part
    private let routingKey: BytesArena.Part
    private let contentType: BytesArena.Part?
    private let messageID: BytesArena.Part
    private let type: BytesArena.Part?
    private let timestamp: UInt64
    private let headers: [(name: BytesArena.Part, value: BytesArena.Part)]

    /// - Throws: ``RabbitMQError`` with `invalidMessage` for what no message can carry.
    init(
        _ event: OutgoingEvent, index: Int, configuration: RabbitMQEventSinkConfiguration
    ) throws(RabbitMQError) {
        let envelope = event.context.envelope
        let cloudEvent = CloudEvent(event, naming: configuration.naming)
        let key = configuration.routingKey(cloudEvent, event)
        var arena = BytesArena()
        exchange = arena.append(configuration.exchange)
        routingKey = arena.append(key)
        guard routingKey.count <= Self.maxShortText else {
            throw Self.invalid("the routing key has \(routingKey.count) bytes; the most is \(Self.maxShortText)")
        }
        id = envelope.id
        route = MessageRoute(exchange: configuration.exchange, routingKey: key)
        messageID = arena.append(cloudEvent.id)
        // A property holds 255 bytes; the attribute says it anyway.
        type = cloudEvent.type.utf8.count <= Self.maxShortText ? arena.append(cloudEvent.type) : nil
        timestamp = UInt64(min(max(envelope.time.timeIntervalSince1970, 0), 253_402_300_799))
        switch configuration.contentMode {
        case .structured:
            body = cloudEvent.structured()
            contentType = arena.append(CloudEvent.structuredContentType)
            headers = []
        case .binary:
            body = cloudEvent.data
            var attributes = cloudEvent.attributes
            if let text = cloudEvent.contentType, text.utf8.count > Self.maxShortText {
                attributes.append(CloudEvent.Attribute(name: "datacontenttype", value: text))
                contentType = nil
            } else {
                contentType = cloudEvent.contentType.map { arena.append($0) }
            }
            var headers: [(BytesArena.Part, BytesArena.Part)] = []
            headers.reserveCapacity(attributes.count)
            for attribute in attributes {
                let name = arena.append("cloudEvents_" + attribute.name)
                guard name.count <= Self.maxShortText else {
                    throw Self.invalid("the header \(attribute.name.prefix(40))... has a name of \(name.count) bytes")
                }
                headers.append((name, arena.append(attribute.value)))
            }
            self.headers = headers
        }
        self.index = index
        self.arena = arena
    }

    /// AMQP 0-9-1, section 4.2.5.3.
    private static let maxShortText = 255

    static func invalid(_ message: String) -> RabbitMQError { RabbitMQError(.invalidMessage, message) }

    /// No less than what the header frame has in bytes: texts with their lengths, and the fields beside them.
    var headerFrameBytes: Int { arena.bytes.count + headers.count * 6 + 64 }

    /// How much it adds to what is sent.
    var wireBytes: Int { headerFrameBytes + body.count + 32 }

    /// Lends it in the library's form.
    /// - Parameter entries: where the headers are put together.
    func withFields<R>(
        _ entries: inout [amqp_table_entry_t],
        _ body: (_ exchange: amqp_bytes_t, _ routingKey: amqp_bytes_t, inout amqp_basic_properties_t) throws -> R
    ) rethrows -> R {
        try arena.withBytes { lent in
            entries.removeAll(keepingCapacity: true)
            var field = amqp_field_value_t()
            field.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
            for header in headers {
                field.value.bytes = lent[header.value]
                entries.append(amqp_table_entry_t(key: lent[header.name], value: field))
            }
            return try entries.withUnsafeMutableBufferPointer { entries in
                var properties = amqp_basic_properties_t()
                var flags =
                    AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TIMESTAMP_FLAG
                properties.delivery_mode = UInt8(AMQP_DELIVERY_PERSISTENT.rawValue)
                properties.message_id = lent[messageID]
                properties.timestamp = timestamp
                if let type {
                    flags |= AMQP_BASIC_TYPE_FLAG
                    properties.type = lent[type]
                }
                if let contentType {
                    flags |= AMQP_BASIC_CONTENT_TYPE_FLAG
                    properties.content_type = lent[contentType]
                }
                if !entries.isEmpty {
                    flags |= AMQP_BASIC_HEADERS_FLAG
                    properties.headers = amqp_table_t(num_entries: Int32(entries.count), entries: entries.baseAddress)
                }
                properties._flags = amqp_flags_t(flags)
                return try body(lent[exchange], lent[routingKey], &properties)
            }
        }
    }
}
#endif

#if RabbitMQ && LMDB
import AfterCommit
import CRabbitMQ
import Foundation

/// A message in the library's form, prepared once: only its id changes from one to the next.
final class BareRabbitMQMessage {
    /// Texts as bytes that stay where they are.
    private var texts: [UnsafeMutableRawBufferPointer] = []
    private var entries: UnsafeMutableBufferPointer<amqp_table_entry_t>
    private var properties = amqp_basic_properties_t()
    private var body = amqp_bytes_t()
    private var id = amqp_bytes_t()
    private var number: UInt64 = 0

    init(_ sample: MessageSample) {
        let event = sample.event
        entries = .allocate(capacity: event.attributes.count)
        entries.initialize(repeating: amqp_table_entry_t())
        id = keep(Data(event.id.utf8))
        for (index, attribute) in event.attributes.enumerated() {
            var value = amqp_field_value_t()
            value.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
            // The id is a header and a property.
            value.value.bytes = attribute.name == "id" ? id : keep(Data(attribute.value.utf8))
            entries[index] = amqp_table_entry_t(key: keep(Data("cloudEvents_\(attribute.name)".utf8)), value: value)
        }
        body = keep(event.data)
        properties.delivery_mode = UInt8(AMQP_DELIVERY_PERSISTENT.rawValue)
        properties.message_id = id
        properties.timestamp = UInt64(Date().timeIntervalSince1970)
        properties.type = keep(Data(event.type.utf8))
        properties.content_type = keep(Data((event.contentType ?? "application/json").utf8))
        properties.headers = amqp_table_t(num_entries: Int32(entries.count), entries: entries.baseAddress)
        properties._flags = amqp_flags_t(
            AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TIMESTAMP_FLAG
                | AMQP_BASIC_TYPE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_HEADERS_FLAG)
    }

    deinit {
        for text in texts { text.deallocate() }
        entries.deallocate()
    }

    /// Lends the next message.
    func withNext(_ publish: (_ body: amqp_bytes_t, inout amqp_basic_properties_t) throws -> Void) rethrows {
        number += 1
        _ = MessageSample.id(number).write(to: UnsafeMutableRawBufferPointer(start: id.bytes, count: id.len))
        try publish(body, &properties)
    }

    private func keep(_ bytes: Data) -> amqp_bytes_t {
        let kept = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 1)
        kept.copyBytes(from: bytes)
        texts.append(kept)
        return amqp_bytes_t(len: bytes.count, bytes: kept.baseAddress)
    }
}
#endif

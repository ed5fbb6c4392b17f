#if RabbitMQ
import AfterCommit
import CRabbitMQ
import Foundation

/// The values of headers as texts (CloudEvents 1.0, "Type System"; AMQP 0-9-1, section 4.2.5.5).
enum HeaderText {
    /// The year 9999 is the last that RFC 3339 writes.
    private static let lastSecond: UInt64 = 253_402_300_799

    /// `nil` for what no attribute can be: tables, lists, floating point numbers, nothing, and bytes that are no UTF-8.
    static func text(of field: amqp_field_value_t) -> String? {
        let value = field.value
        switch UInt32(field.kind) {
        case AMQP_FIELD_KIND_UTF8.rawValue, AMQP_FIELD_KIND_BYTES.rawValue: return String(strictly: value.bytes)
        case AMQP_FIELD_KIND_BOOLEAN.rawValue: return value.boolean == 0 ? "false" : "true"
        case AMQP_FIELD_KIND_I8.rawValue: return String(value.i8)
        case AMQP_FIELD_KIND_U8.rawValue: return String(value.u8)
        case AMQP_FIELD_KIND_I16.rawValue: return String(value.i16)
        case AMQP_FIELD_KIND_U16.rawValue: return String(value.u16)
        case AMQP_FIELD_KIND_I32.rawValue: return String(value.i32)
        case AMQP_FIELD_KIND_U32.rawValue: return String(value.u32)
        case AMQP_FIELD_KIND_I64.rawValue: return String(value.i64)
        case AMQP_FIELD_KIND_U64.rawValue: return String(value.u64)
        case AMQP_FIELD_KIND_TIMESTAMP.rawValue:
            guard value.u64 <= lastSecond else { return nil }
            return CivilDate.rfc3339(Date(timeIntervalSince1970: TimeInterval(value.u64)))
        default: return nil
        }
    }

    /// The headers of a message. Of two with one name the first counts.
    static func texts(of table: amqp_table_t) -> [String: String] {
        var texts: [String: String] = [:]
        for entry in UnsafeBufferPointer(start: table.entries, count: Int(table.num_entries)) {
            guard let name = String(strictly: entry.key), let text = text(of: entry.value), texts[name] == nil else {
                continue
            }
            texts[name] = text
        }
        return texts
    }
}
#endif

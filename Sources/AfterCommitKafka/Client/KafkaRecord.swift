#if Kafka
import AfterCommit
import Foundation

/// Bytes of a key, a value or a header, as they are or as text in UTF-8.
enum KafkaBytes: Sendable, Hashable {
    /// Kafka's null, which is not the same as empty.
    case null
    case text(String)
    case bytes(Data)

    func withPointer<R>(_ body: (UnsafeRawPointer?, Int) -> R) -> R {
        switch self {
        case .null: return body(nil, 0)
        case .text(var text): return text.withUTF8 { body(Self.place($0.baseAddress), $0.count) }
        case .bytes(let bytes): return bytes.withUnsafeBytes { body(Self.place($0.baseAddress), $0.count) }
        }
    }

    /// No bytes have no place in memory, which the C library would take for null.
    private static func place(_ address: UnsafeRawPointer?) -> UnsafeRawPointer {
        address ?? UnsafeRawPointer(empty)
    }

    private static func place(_ address: UnsafePointer<UInt8>?) -> UnsafeRawPointer {
        address.map { UnsafeRawPointer($0) } ?? UnsafeRawPointer(empty)
    }

    private nonisolated(unsafe) static let empty = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
}

/// One header of a message.
struct KafkaHeader: Sendable, Hashable {
    var name: String
    var value: KafkaBytes

    init(_ name: String, _ value: KafkaBytes) {
        self.name = name
        self.value = value
    }
}

/// A message on its way to a topic.
struct KafkaRecord: Sendable, Hashable {
    var topic: String
    var key: KafkaBytes = .null
    /// Of a CloudEvent in binary mode: they are written as headers in front of the others, with `ce_` before their names.
    var attributes: [CloudEvent.Attribute] = []
    var headers: [KafkaHeader] = []
    var value: KafkaBytes
}
#endif

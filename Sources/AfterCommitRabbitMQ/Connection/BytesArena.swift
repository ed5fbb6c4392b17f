#if RabbitMQ
import CRabbitMQ

/// Texts behind each other in one block, for the library's fields, which point to bytes.
struct BytesArena: Sendable {
    struct Part: Sendable {
        let offset: Int
        let count: Int
    }

    private(set) var bytes: [UInt8] = []

    mutating func append(_ text: String) -> Part {
        let offset = bytes.count
        bytes.append(contentsOf: text.utf8)
        return Part(offset: offset, count: bytes.count - offset)
    }

    /// Lends the block. What `body` is given must not leave it.
    func withBytes<R>(_ body: (Lent) throws -> R) rethrows -> R {
        try bytes.withUnsafeBytes { try body(Lent(base: $0.baseAddress)) }
    }

    struct Lent {
        let base: UnsafeRawPointer?

        /// The library only reads through the pointer.
        subscript(_ part: Part) -> amqp_bytes_t {
            guard part.count > 0, let base else { return amqp_empty_bytes }
            return amqp_bytes_t(len: part.count, bytes: UnsafeMutableRawPointer(mutating: base + part.offset))
        }
    }
}

extension String {
    /// The text of bytes that the library holds; what is no UTF-8 is replaced.
    init(_ bytes: amqp_bytes_t) {
        self = String(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }

    /// `nil` where it is no UTF-8.
    init?(strictly bytes: amqp_bytes_t) {
        self.init(validating: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }
}
#endif

import AfterCommit
import Foundation

/// A flat event of 256 bytes of JSON, as a shop would emit it.
struct OrderPlaced: Event {
    static let type: EventType = "order.placed"
    static let encodedBytes = 256

    var orderID: UUID
    var number: Int
    var customer: String
    var currency: String
    var totalCents: Int
    var note: String

    init(number: Int) {
        orderID = Self.id(number)
        // Seven digits, so that all of them are as long.
        self.number = 1_000_000 + number % 8_000_000
        customer = "ada.lovelace@example.org"
        currency = "EUR"
        totalCents = 129_900
        note = Self.note
    }

    init(orderID: UUID, number: Int, customer: String, currency: String, totalCents: Int, note: String) {
        self.orderID = orderID
        self.number = number
        self.customer = customer
        self.currency = currency
        self.totalCents = totalCents
        self.note = note
    }

    private static let note = String(repeating: "leave it at the door, ", count: 4).prefix(72).description

    private static func id(_ number: Int) -> UUID {
        let low = UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15
        return withUnsafeBytes(of: (low, ~low)) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }
}

/// Copies an order's fields one behind the other: about what the cheapest coder of a user's own would cost.
struct BinaryOrderCoder: EventCoder {
    let contentType = "application/octet-stream"

    func encode<E: Event>(_ event: E) throws -> Data {
        guard E.self == OrderPlaced.self else { throw BenchmarkError("\(E.self) is no order") }
        let order = unsafeBitCast(event, to: OrderPlaced.self)
        // As many bytes as JSON needs, so that both lines have one ceiling.
        var data = Data(count: OrderPlaced.encodedBytes)
        data.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: order.orderID.uuid, as: uuid_t.self)
            bytes.storeBytes(of: order.number.littleEndian, toByteOffset: 16, as: Int.self)
            bytes.storeBytes(of: order.totalCents.littleEndian, toByteOffset: 24, as: Int.self)
            var offset = 32
            for text in [order.customer, order.currency, order.note] {
                bytes[offset] = UInt8(clamping: text.utf8.count)
                UnsafeMutableRawBufferPointer(rebasing: bytes[(offset + 1)...]).copyBytes(from: text.utf8)
                offset += 1 + text.utf8.count
            }
        }
        return data
    }

    func decode<E: Event>(_ type: E.Type, from bytes: Data) throws -> E {
        throw BenchmarkError("only emits are measured with this coder")
    }
}

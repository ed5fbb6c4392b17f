public import Foundation

/// The identity of an event: a UUID of version 7 (RFC 9562, section 5.7), ordered by time.
public struct EventID: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The milliseconds since 1970 that the id begins with.
    public var milliseconds: UInt64 { high >> 16 }

    /// Whether it is of version 7: ids of others need not be.
    package var isOrderedByTime: Bool { high >> 12 & 0xF == 7 }

    public var uuid: UUID {
        withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { bytes in
            UUID(uuid: bytes.loadUnaligned(as: uuid_t.self))
        }
    }

    public init(_ uuid: UUID) {
        var bytes = uuid.uuid
        (high, low) = withUnsafeBytes(of: &bytes) {
            (
                UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }
}

extension EventID: Comparable {
    public static func < (a: Self, b: Self) -> Bool {
        (a.high, a.low) < (b.high, b.low)
    }
}

extension EventID: LosslessStringConvertible {
    /// Lower-case hexadecimal in the usual five groups.
    public var description: String {
        String(unsafeUninitializedCapacity: Self.textLength) { write(to: UnsafeMutableRawBufferPointer($0)) }
    }

    /// The bytes of ``description``.
    package static let textLength = 36

    /// Writes ``description``.
    /// - Returns: how many bytes it has.
    package func write(to text: UnsafeMutableRawBufferPointer) -> Int {
        var position = 0
        func put(_ value: UInt64, digits: Int) {
            for digit in stride(from: digits - 1, through: 0, by: -1) {
                let nibble = UInt8(truncatingIfNeeded: (value >> (UInt64(digit) * 4)) & 0xF)
                text[position] = nibble < 10 ? 0x30 + nibble : 0x61 + nibble - 10
                position += 1
            }
        }
        func dash() {
            text[position] = 0x2D
            position += 1
        }
        put(high >> 32, digits: 8)
        dash()
        put(high >> 16, digits: 4)
        dash()
        put(high, digits: 4)
        dash()
        put(low >> 48, digits: 4)
        dash()
        put(low, digits: 12)
        return position
    }

    public init?(_ description: String) {
        var text = description
        guard let id = text.withUTF8({ Self(text: $0) }) else { return nil }
        self = id
    }
}

extension EventID {
    /// Five groups of hexadecimal digits, of either case. Foundation's own reading takes a microsecond.
    package init?(text: UnsafeBufferPointer<UInt8>) {
        guard text.count == 36 else { return nil }
        var halves = (high: UInt64(0), low: UInt64(0))
        for (position, byte) in text.enumerated() {
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard byte == 0x2D else { return nil }
                continue
            }
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: return nil
            }
            if position < 18 {
                halves.high = halves.high << 4 | UInt64(digit)
            } else {
                halves.low = halves.low << 4 | UInt64(digit)
            }
        }
        self.init(high: halves.high, low: halves.low)
    }
}

extension EventID: Codable {
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(UUID.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

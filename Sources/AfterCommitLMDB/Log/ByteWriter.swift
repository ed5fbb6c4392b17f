#if LMDB
import Foundation

/// Writes the compact binary form of records: integers of variable length, strings and bytes with their length.
struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func put(_ byte: UInt8) {
        bytes.append(byte)
    }

    mutating func put(_ flag: Bool) {
        bytes.append(flag ? 1 : 0)
    }

    /// Little-endian.
    mutating func put<T: FixedWidthInteger>(fixed integer: T) {
        withUnsafeBytes(of: integer.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Seven bits a byte, the lowest first.
    mutating func put(_ integer: UInt64) {
        var rest = integer
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Zigzag, so that small negative numbers are short too.
    mutating func put(_ integer: Int) {
        let wide = Int64(integer)
        put(UInt64(bitPattern: (wide << 1) ^ (wide >> 63)))
    }

    mutating func put(_ number: Double) {
        put(fixed: number.bitPattern)
    }

    /// Exactly as Foundation holds it.
    mutating func put(_ date: Date) {
        put(date.timeIntervalSinceReferenceDate)
    }

    mutating func put(_ string: String) {
        put(UInt64(string.utf8.count))
        bytes.append(contentsOf: string.utf8)
    }

    mutating func put(_ data: Data) {
        put(UInt64(data.count))
        data.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    mutating func put<T>(_ optional: T?, _ write: (inout Self, T) -> Void) {
        put(optional != nil)
        if let optional { write(&self, optional) }
    }
}
#endif

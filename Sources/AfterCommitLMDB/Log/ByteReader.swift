#if LMDB
import AfterCommit
import Foundation

/// Reads what ``ByteWriter`` wrote. Bytes of any kind give a value or an error, never a trap.
struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var remaining: Int { bytes.count - offset }

    mutating func byte() throws(StorageError) -> UInt8 {
        guard offset < bytes.count else { throw Self.damaged }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func flag() throws(StorageError) -> Bool {
        switch try byte() {
        case 0: false
        case 1: true
        default: throw Self.damaged
        }
    }

    mutating func fixed<T: FixedWidthInteger>(_ type: T.Type) throws(StorageError) -> T {
        let slice = try take(MemoryLayout<T>.size)
        return T(littleEndian: slice.loadUnaligned(as: T.self))
    }

    mutating func integer() throws(StorageError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try byte()
            // The tenth byte has room for one bit.
            guard shift < 63 || (shift == 63 && byte <= 1) else { throw Self.damaged }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
    }

    mutating func signed() throws(StorageError) -> Int {
        let value = try integer()
        let wide = Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
        guard let signed = Int(exactly: wide) else { throw Self.damaged }
        return signed
    }

    /// A count of things that take at least a byte each: more than the bytes that are left cannot be.
    mutating func count() throws(StorageError) -> Int {
        guard let count = Int(exactly: try integer()), count <= remaining else { throw Self.damaged }
        return count
    }

    mutating func double() throws(StorageError) -> Double {
        Double(bitPattern: try fixed(UInt64.self))
    }

    mutating func date() throws(StorageError) -> Date {
        Date(timeIntervalSinceReferenceDate: try double())
    }

    mutating func slice() throws(StorageError) -> UnsafeRawBufferPointer {
        try take(try count())
    }

    mutating func string() throws(StorageError) -> String {
        guard let string = String(validating: try slice(), as: UTF8.self) else { throw Self.damaged }
        return string
    }

    mutating func data() throws(StorageError) -> Data {
        Data(try slice())
    }

    mutating func optional<T>(
        _ read: (inout Self) throws(StorageError) -> T
    ) throws(StorageError) -> T? {
        try flag() ? try read(&self) : nil
    }

    private mutating func take(_ count: Int) throws(StorageError) -> UnsafeRawBufferPointer {
        guard count <= remaining else { throw Self.damaged }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    private static var damaged: StorageError {
        StorageError(.corrupted, "a record cannot be read")
    }
}
#endif

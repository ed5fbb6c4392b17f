#if LMDB
import AfterCommit
import Foundation

/// Lends the UTF-8 bytes of a name as a key.
func withKey<R>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws(StorageError) -> R
) throws(StorageError) -> R {
    var name = name
    return try name.withUTF8 { bytes in
        Result { () throws(StorageError) in try body(UnsafeRawBufferPointer(bytes)) }
    }.get()
}

/// Lends an integer's bytes, most significant first, as a key: keys then sort as the integers do.
func withKey<R>(
    of integer: some FixedWidthInteger, _ body: (UnsafeRawBufferPointer) throws(StorageError) -> R
) throws(StorageError) -> R {
    try withRaw(integer.bigEndian, body)
}

/// Lends the bytes of an array.
func withBytes<R>(
    _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(StorageError) -> R
) throws(StorageError) -> R {
    try bytes.withUnsafeBufferPointer { bytes throws(StorageError) in try body(UnsafeRawBufferPointer(bytes)) }
}

private func withRaw<T, R>(
    _ value: T, _ body: (UnsafeRawBufferPointer) throws(StorageError) -> R
) throws(StorageError) -> R {
    try withUnsafeBytes(of: value) { bytes throws(StorageError) in try body(bytes) }
}

/// The place of a delivery in `exceptions` and `dead`.
struct DeliveryKey {
    let subscription: UInt32
    let sequence: UInt64

    init(_ subscription: UInt32, _ sequence: UInt64) {
        self.subscription = subscription
        self.sequence = sequence
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 12 else { return nil }
        subscription = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
        sequence = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
    }

    func withBytes<R>(
        _ body: (UnsafeRawBufferPointer) throws(StorageError) -> R
    ) throws(StorageError) -> R {
        let words = (
            subscription.bigEndian, UInt32(truncatingIfNeeded: sequence >> 32).bigEndian,
            UInt32(truncatingIfNeeded: sequence).bigEndian
        )
        return try withRaw(words, body)
    }
}

/// The place of a retrying delivery in `due`: sorted by subscription, date, sequence.
struct DueKey {
    let subscription: UInt32
    let due: Date
    let sequence: UInt64

    init(_ subscription: UInt32, due: Date, sequence: UInt64) {
        self.subscription = subscription
        self.due = due
        self.sequence = sequence
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 20 else { return nil }
        subscription = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
        due = Date(
            sortableBits: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt64.self)))
        sequence = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt64.self))
    }

    func withBytes<R>(
        _ body: (UnsafeRawBufferPointer) throws(StorageError) -> R
    ) throws(StorageError) -> R {
        let date = due.sortableBits
        let words = (
            subscription.bigEndian,
            UInt32(truncatingIfNeeded: date >> 32).bigEndian,
            UInt32(truncatingIfNeeded: date).bigEndian,
            UInt32(truncatingIfNeeded: sequence >> 32).bigEndian,
            UInt32(truncatingIfNeeded: sequence).bigEndian
        )
        return try withRaw(words, body)
    }
}

extension Date {
    /// Bits that sort as the dates do, without a loss: an IEEE 754 number with its sign folded in.
    var sortableBits: UInt64 {
        let bits = timeIntervalSinceReferenceDate.bitPattern
        return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
    }

    init(sortableBits bits: UInt64) {
        let pattern = bits >> 63 == 1 ? bits & ~(1 << 63) : ~bits
        self.init(timeIntervalSinceReferenceDate: Double(bitPattern: pattern))
    }
}
#endif

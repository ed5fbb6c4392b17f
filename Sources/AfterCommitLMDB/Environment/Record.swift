#if LMDB
import AfterCommit

/// The header of every value in the store: CRC-32C over key, format byte and content, then the format byte.
///
/// LMDB 0.9 has no checksums. The key is part of ours so that a record under a wrong key is found too.
///
/// Format 1 has the content behind it. Format 2 is a row of a user's table with the status of its event: the status's length
/// in two bytes, little-endian, the status, then the content.
enum Record {
    static let headerBytes = 5
    static let plain: UInt8 = 1
    static let withStatus: UInt8 = 2
    private static let lengthBytes = 2

    /// Writes the header in front of content that is already in `value`.
    static func seal(
        _ value: UnsafeMutableRawBufferPointer, key: UnsafeRawBufferPointer, format: UInt8 = plain
    ) {
        value[4] = format
        let checksum = checksum(of: UnsafeRawBufferPointer(value), key: key)
        value.storeBytes(of: checksum.littleEndian, as: UInt32.self)
    }

    /// The content of a stored value, checked.
    static func content(
        of value: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer
    ) throws(StorageError) -> UnsafeRawBufferPointer {
        try check(value, key: key)
        if value[4] == plain { return UnsafeRawBufferPointer(rebasing: value[headerBytes...]) }
        return try parts(value).content
    }

    /// The status and the content of a stored value, checked; no status where it has none.
    static func row(
        _ value: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer
    ) throws(StorageError) -> (status: UnsafeRawBufferPointer?, content: UnsafeRawBufferPointer) {
        try check(value, key: key)
        if value[4] == plain { return (nil, UnsafeRawBufferPointer(rebasing: value[headerBytes...])) }
        return try parts(value)
    }

    /// How many bytes a row with a status takes.
    static func rowBytes(status: Int, content: Int) -> Int { headerBytes + lengthBytes + status + content }

    /// Fills `value` with a row, of ``rowBytes(status:content:)``.
    static func fill(
        _ value: UnsafeMutableRawBufferPointer, key: UnsafeRawBufferPointer, status: [UInt8],
        content: UnsafeRawBufferPointer
    ) {
        let start = headerBytes + lengthBytes
        value.storeBytes(of: UInt16(status.count).littleEndian, toByteOffset: headerBytes, as: UInt16.self)
        UnsafeMutableRawBufferPointer(rebasing: value[start...]).copyBytes(from: status)
        UnsafeMutableRawBufferPointer(rebasing: value[(start + status.count)...]).copyMemory(from: content)
        seal(value, key: key, format: withStatus)
    }

    private static func check(_ value: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer) throws(StorageError) {
        guard value.count >= headerBytes else {
            throw StorageError(.corrupted, "a record is shorter than its header")
        }
        let stored = UInt32(littleEndian: value.loadUnaligned(as: UInt32.self))
        guard stored == checksum(of: value, key: key) else {
            throw StorageError(.corrupted, "a record fails its checksum")
        }
        guard value[4] == plain || value[4] == withStatus else {
            throw StorageError(.formatTooNew, "a record has format \(value[4]); this version knows \(withStatus)")
        }
    }

    /// The parts of a row that has a status.
    private static func parts(
        _ value: UnsafeRawBufferPointer
    ) throws(StorageError) -> (status: UnsafeRawBufferPointer?, content: UnsafeRawBufferPointer) {
        let start = headerBytes + lengthBytes
        guard value.count >= start else { throw StorageError(.corrupted, "a row is shorter than its header") }
        let length = UInt16(littleEndian: value.loadUnaligned(fromByteOffset: headerBytes, as: UInt16.self))
        let end = start + Int(length)
        guard value.count >= end else { throw StorageError(.corrupted, "a row is shorter than its status") }
        return (
            UnsafeRawBufferPointer(rebasing: value[start..<end]), UnsafeRawBufferPointer(rebasing: value[end...])
        )
    }

    private static func checksum(
        of value: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer
    ) -> UInt32 {
        var crc = CRC32C()
        crc.update(key)
        crc.update(UnsafeRawBufferPointer(rebasing: value[4...]))
        return crc.value
    }
}
#endif

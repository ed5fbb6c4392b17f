#if LMDB
import AfterCommit

/// The header of every value in the store: CRC-32C over key, format byte and content, then the format byte.
///
/// LMDB 0.9 has no checksums. The key is part of ours so that a record under a wrong key is found too.
enum Record {
    static let headerBytes = 5
    private static let format: UInt8 = 1

    /// Writes the header in front of content that is already in `value`.
    static func seal(_ value: UnsafeMutableRawBufferPointer, key: UnsafeRawBufferPointer) {
        value[4] = format
        let checksum = checksum(of: UnsafeRawBufferPointer(value), key: key)
        value.storeBytes(of: checksum.littleEndian, as: UInt32.self)
    }

    /// The content of a stored value, checked.
    static func content(
        of value: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer
    ) throws(StorageError) -> UnsafeRawBufferPointer {
        guard value.count >= headerBytes else {
            throw StorageError(.corrupted, "a record is shorter than its header")
        }
        let stored = UInt32(littleEndian: value.loadUnaligned(as: UInt32.self))
        guard stored == checksum(of: value, key: key) else {
            throw StorageError(.corrupted, "a record fails its checksum")
        }
        guard value[4] == format else {
            throw StorageError(.formatTooNew, "a record has format \(value[4]); this version knows \(format)")
        }
        return UnsafeRawBufferPointer(rebasing: value[headerBytes...])
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

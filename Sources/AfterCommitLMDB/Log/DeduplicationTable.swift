#if LMDB
import AfterCommit
import CLMDB
import Foundation

/// The deduplication keys as one transaction sees them.
struct DeduplicationTable {
    let transaction: Transaction
    let databases: Databases

    func record(_ key: String) throws(StorageError) -> DeduplicationRecord? {
        try withKey(key) { key throws(StorageError) in
            try transaction.content(key, in: databases.deduplication).map { content throws(StorageError) in
                try Self.decode(content)
            }
        }
    }

    /// Remembers a key, and forgets a few that are older than the window, so that no emit pays for many.
    /// - Returns: about how many bytes it wrote.
    func insert(_ deduplication: Emission.Deduplication, id: EventID, now: Date) throws(StorageError) -> Int {
        try forgetExpired(now)
        if let replaced = try record(deduplication.key) {
            try deleteAge(deduplication.key, replaced.emittedAt)
        }
        var writer = ByteWriter()
        writer.put(id)
        writer.put(fixed: deduplication.fingerprint)
        writer.put(now)
        try withKey(deduplication.key) { key throws(StorageError) in
            try transaction.put(key, in: databases.deduplication, content: writer.bytes)
        }
        try withBytes(Self.age(deduplication.key, now)) { age throws(StorageError) in
            try transaction.put(age, in: databases.deduplicationAges, content: [])
        }
        return Space.storedBytes(of: writer.bytes.count) + Space.storedBytes(of: 0) + 2 * deduplication.key.utf8.count
    }

    private func forgetExpired(_ now: Date) throws(StorageError) {
        for _ in 0..<4 {
            let cursor = try Cursor(transaction, databases.deduplicationAges)
            guard let (emittedAt, key) = try oldest(cursor),
                now.timeIntervalSince(emittedAt) >= DeduplicationRecord.window.timeInterval
            else { return }
            try deleteAge(key, emittedAt)
            if try record(key)?.emittedAt == emittedAt {
                _ = try withKey(key) { key throws(StorageError) in
                    try transaction.delete(key, in: databases.deduplication)
                }
            }
        }
    }

    private func oldest(_ cursor: borrowing Cursor) throws(StorageError) -> (Date, String)? {
        var entry = try cursor.first()
        while let current = entry {
            if let age = Self.decodeAge(current.key) { return age }
            // The key that keeps the tree from going empty.
            entry = try cursor.next()
        }
        return nil
    }

    private func deleteAge(_ key: String, _ emittedAt: Date) throws(StorageError) {
        _ = try withBytes(Self.age(key, emittedAt)) { age throws(StorageError) in
            try transaction.delete(age, in: databases.deduplicationAges)
        }
    }

    private static func age(_ key: String, _ date: Date) -> [UInt8] {
        withUnsafeBytes(of: date.sortableBits.bigEndian) { Array($0) } + Array(key.utf8)
    }

    static func decodeAge(_ bytes: UnsafeRawBufferPointer) -> (Date, String)? {
        guard bytes.count > 8 else { return nil }
        let date = Date(sortableBits: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)))
        return (date, String(decoding: bytes[8...], as: UTF8.self))
    }

    static func decode(_ content: UnsafeRawBufferPointer) throws(StorageError) -> DeduplicationRecord {
        var reader = ByteReader(content)
        return DeduplicationRecord(
            id: try reader.eventID(), fingerprint: try reader.fixed(UInt64.self), emittedAt: try reader.date())
    }
}
#endif

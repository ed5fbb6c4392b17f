#if LMDB
import AfterCommit
import CLMDB
import Foundation

/// The deduplication keys as one transaction sees them.
struct DeduplicationTable {
    let transaction: Transaction
    let databases: Databases
    let quarantine: Quarantine

    private enum Stored {
        case none
        case record(DeduplicationRecord)
        case damaged([UInt8])
    }

    /// What is known of a key. A record that cannot be read is none: its event is found again at worst, and no other is
    /// held up.
    func record(_ key: String) throws(StorageError) -> DeduplicationRecord? {
        if case .record(let record) = try stored(key) { record } else { nil }
    }

    private func stored(_ key: String) throws(StorageError) -> Stored {
        try withKey(key) { key throws(StorageError) in
            guard let value = try transaction.stored(key, in: databases.deduplication) else { return .none }
            do throws(StorageError) {
                return .record(try Self.decode(try Record.content(of: value, key: key)))
            } catch {
                return .damaged(Array(value))
            }
        }
    }

    /// Remembers a key, and forgets a few that are older than the window, so that no emit pays for many.
    /// - Returns: about how many bytes it wrote.
    func insert(_ deduplication: Emission.Deduplication, id: EventID, now: Date) throws(StorageError) -> Int {
        try forgetExpired(now)
        switch try stored(deduplication.key) {
        case .none: break
        case .record(let replaced): try delete(age: Self.age(deduplication.key, replaced.emittedAt))
        // Its age is forgotten when its time comes.
        case .damaged(let bytes): try keep(bytes, of: deduplication.key)
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
            guard let age = try oldest(cursor), let (emittedAt, key) = age.withUnsafeBytes(Self.decodeAge),
                now.timeIntervalSince(emittedAt) >= DeduplicationRecord.window.timeInterval
            else { return }
            try delete(age: age)
            switch try stored(key) {
            case .none: break
            case .record(let record): if record.emittedAt == emittedAt { try forget(key) }
            case .damaged(let bytes):
                try keep(bytes, of: key)
                try forget(key)
            }
        }
    }

    private func keep(_ bytes: [UInt8], of key: String) throws(StorageError) {
        try quarantine.keep("deduplication", key: Array(key.utf8), bytes)
    }

    private func forget(_ key: String) throws(StorageError) {
        _ = try withKey(key) { key throws(StorageError) in
            try transaction.delete(key, in: databases.deduplication)
        }
    }

    private func oldest(_ cursor: borrowing Cursor) throws(StorageError) -> [UInt8]? {
        var entry = try cursor.first()
        while let current = entry {
            if Self.decodeAge(current.key) != nil { return Array(current.key) }
            // The key that keeps the tree from going empty.
            entry = try cursor.next()
        }
        return nil
    }

    private func delete(age: [UInt8]) throws(StorageError) {
        _ = try withBytes(age) { age throws(StorageError) in
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

#if LMDB
import AfterCommit
import CLMDB
import Foundation

/// When deduplication keys were stored, so that the oldest can be found: a date and the first of the keys that were stored then,
/// to the others. Keys that share a commit share entries, which are written and deleted as one.
struct DeduplicationAges {
    struct Entry {
        let emittedAt: Date
        let keys: [String]
    }

    let transaction: Transaction
    let database: MDB_dbi
    let quarantine: Quarantine

    /// What LMDB keeps beside others in a page, the entry's own key included.
    private static let maxEntryBytes = 2_000

    func insert(_ keys: [String], _ date: Date) throws(StorageError) {
        var rest = keys[...]
        while let first = rest.popFirst() {
            let age = Self.age(date, first)
            var others = ByteWriter()
            while let next = rest.first,
                age.count + others.bytes.count + next.utf8.count + BytePointer.maxIntegerBytes <= Self.maxEntryBytes
            {
                others.put(next)
                rest.removeFirst()
            }
            try withBytes(age) { age throws(StorageError) in
                try transaction.put(age, in: database, content: others.bytes)
            }
        }
    }

    /// Takes out the oldest entry, where it is older than the window.
    func takeExpired(_ now: Date) throws(StorageError) -> Entry? {
        guard let (age, entry) = try oldest(now) else { return nil }
        _ = try withBytes(age) { age throws(StorageError) in try transaction.delete(age, in: database) }
        return entry
    }

    private func oldest(_ now: Date) throws(StorageError) -> (age: [UInt8], Entry)? {
        let cursor = try Cursor(transaction, database)
        var next = try cursor.first()
        while let current = next {
            guard let (date, first) = Self.decodeAge(current.key) else {
                // The key that keeps the tree from going empty.
                next = try cursor.next()
                continue
            }
            guard now.timeIntervalSince(date) >= DeduplicationRecord.window.timeInterval else { return nil }
            let age = Array(current.key)
            var keys = [first]
            do throws(StorageError) {
                keys += try Self.decode(try current.content())
            } catch {
                // The others stay in the store; none of them is held up.
                try quarantine.keep("deduplication.ages", key: age, Array(current.value))
            }
            return (age, Entry(emittedAt: date, keys: keys))
        }
        return nil
    }

    private static func age(_ date: Date, _ key: String) -> [UInt8] {
        withUnsafeBytes(of: date.sortableBits.bigEndian) { Array($0) } + Array(key.utf8)
    }

    static func decodeAge(_ bytes: UnsafeRawBufferPointer) -> (Date, String)? {
        guard bytes.count > 8 else { return nil }
        let date = Date(sortableBits: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)))
        return (date, String(decoding: bytes[8...], as: UTF8.self))
    }

    /// The further keys of an entry.
    static func decode(_ content: UnsafeRawBufferPointer) throws(StorageError) -> [String] {
        var reader = ByteReader(content)
        var keys: [String] = []
        while reader.remaining > 0 { keys.append(try reader.string()) }
        return keys
    }
}
#endif

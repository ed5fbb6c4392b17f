#if LMDB
import AfterCommit
import CLMDB
import Foundation

/// The deduplication keys as one transaction sees them.
struct DeduplicationTable {
    let transaction: Transaction
    let databases: Databases
    let quarantine: Quarantine

    enum Stored {
        case none
        case record(DeduplicationRecord)
        /// Its event is found again at worst, and no other is held up.
        case damaged([UInt8])
    }

    func stored(_ key: String) throws(StorageError) -> Stored {
        try withKey(key) { key throws(StorageError) in
            guard let value = try transaction.stored(key, in: databases.deduplication) else { return .none }
            do throws(StorageError) {
                return .record(try Self.decode(try Record.content(of: value, key: key)))
            } catch {
                return .damaged(Array(value))
            }
        }
    }

    /// Remembers keys, which stand for nothing else any more, and forgets about four times as many that are older than the
    /// window, so that no emit pays for many.
    func insert(_ keys: [(key: Emission.Deduplication, id: EventID)], now: Date) throws(StorageError) {
        try forgetExpired(atLeast: 4 * keys.count, now)
        for (key, id) in keys {
            try withKey(key.key) { bytes throws(StorageError) in
                try transaction.put(bytes, in: databases.deduplication, count: Self.contentBytes) { content in
                    guard let start = content.baseAddress else { return }
                    var end = BytePointer(start)
                    end.put(id)
                    end.put(fixed: key.fingerprint)
                    end.put(now)
                }
            }
        }
        try ages.insert(keys.map(\.key.key), now)
    }

    /// Id, fingerprint and date.
    private static let contentBytes = 32

    private var ages: DeduplicationAges {
        DeduplicationAges(transaction: transaction, database: databases.deduplicationAges, quarantine: quarantine)
    }

    private func forgetExpired(atLeast count: Int, _ now: Date) throws(StorageError) {
        var left = count
        while left > 0, let entry = try ages.takeExpired(now) {
            for key in entry.keys { try forget(key, since: entry.emittedAt) }
            left -= max(1, entry.keys.count)
        }
    }

    /// Forgets a key that was not used anew since.
    private func forget(_ key: String, since emittedAt: Date) throws(StorageError) {
        switch try stored(key) {
        case .none: return
        case .record(let record): guard record.emittedAt == emittedAt else { return }
        case .damaged(let bytes): try keep(bytes, of: key)
        }
        _ = try withKey(key) { key throws(StorageError) in
            try transaction.delete(key, in: databases.deduplication)
        }
    }

    /// Keeps the bytes of a record that cannot be read and is about to be replaced.
    func keep(_ bytes: [UInt8], of key: String) throws(StorageError) {
        try quarantine.keep("deduplication", key: Array(key.utf8), bytes)
    }

    static func decode(_ content: UnsafeRawBufferPointer) throws(StorageError) -> DeduplicationRecord {
        var reader = ByteReader(content)
        return DeduplicationRecord(
            id: try reader.eventID(), fingerprint: try reader.fixed(UInt64.self), emittedAt: try reader.date())
    }
}
#endif

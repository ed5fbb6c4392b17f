#if LMDB
import AfterCommit
import CLMDB
import Foundation

/// The delayed events as one transaction sees them: sorted by date, then id.
struct DelayedTable {
    /// The place of a delayed event.
    struct Key {
        let deliverAt: Date
        let id: EventID

        init(deliverAt: Date, id: EventID) {
            self.deliverAt = deliverAt
            self.id = id
        }

        init?(_ bytes: UnsafeRawBufferPointer) {
            guard bytes.count == 24 else { return nil }
            func word(_ offset: Int) -> UInt64 {
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            }
            deliverAt = Date(sortableBits: word(0))
            id = EventID(high: word(8), low: word(16))
        }

        var bytes: [UInt8] {
            [deliverAt.sortableBits, id.high, id.low].flatMap { word in
                withUnsafeBytes(of: word.bigEndian) { Array($0) }
            }
        }
    }

    let transaction: Transaction
    let database: MDB_dbi

    func insert(_ key: Key, _ envelope: UnsafeRawBufferPointer) throws(StorageError) {
        try withBytes(key.bytes) { key throws(StorageError) in
            try transaction.put(key, in: database, count: envelope.count) { $0.copyMemory(from: envelope) }
        }
    }

    @discardableResult
    func delete(_ key: Key) throws(StorageError) -> Bool {
        try withBytes(key.bytes) { key throws(StorageError) in try transaction.delete(key, in: database) }
    }

    /// Gives those from `start` on, the earliest first, until `body` returns false. The content is not checked yet.
    func scan(
        from start: Key? = nil, _ body: (Key, Cursor.Entry) throws(StorageError) -> Bool
    ) throws(StorageError) {
        let cursor = try Cursor(transaction, database)
        var entry: Cursor.Entry?
        if let start {
            entry = try withBytes(start.bytes) { key throws(StorageError) in try cursor.seek(key) }
        } else {
            entry = try cursor.first()
        }
        while let current = entry {
            if let key = Key(current.key), try !body(key, current) { return }
            entry = try cursor.next()
        }
    }

    /// When the first is due.
    func nextDue() throws(StorageError) -> Date? {
        var next: Date?
        try scan { key, _ in
            next = key.deliverAt
            return false
        }
        return next
    }
}
#endif

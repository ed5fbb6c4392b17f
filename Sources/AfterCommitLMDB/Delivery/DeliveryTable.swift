#if LMDB
import AfterCommit
import CLMDB
import Foundation

/// The exceptions or the dead letters as one transaction sees them.
struct DeliveryTable {
    let transaction: Transaction
    let database: MDB_dbi

    func content(_ key: DeliveryKey) throws(StorageError) -> UnsafeRawBufferPointer? {
        try key.withBytes { key throws(StorageError) in try transaction.content(key, in: database) }
    }

    func put(_ key: DeliveryKey, _ content: [UInt8]) throws(StorageError) {
        try key.withBytes { key throws(StorageError) in
            try transaction.put(key, in: database, content: content)
        }
    }

    @discardableResult
    func delete(_ key: DeliveryKey) throws(StorageError) -> Bool {
        try key.withBytes { key throws(StorageError) in try transaction.delete(key, in: database) }
    }

    /// Gives the rows of a subscription from `sequence` on, until `body` returns false. The content is not checked yet.
    func scan(
        _ subscription: UInt32, from sequence: UInt64 = 0,
        _ body: (UInt64, Cursor.Entry) throws(StorageError) -> Bool
    ) throws(StorageError) {
        let cursor = try Cursor(transaction, database)
        var entry = try DeliveryKey(subscription, sequence).withBytes { key throws(StorageError) in
            try cursor.seek(key)
        }
        while let current = entry {
            guard let key = DeliveryKey(current.key), key.subscription == subscription,
                try body(key.sequence, current)
            else { return }
            entry = try cursor.next()
        }
    }
}

/// The due dates as one transaction sees them.
struct DueIndex {
    let transaction: Transaction
    let database: MDB_dbi

    func insert(_ key: DueKey) throws(StorageError) {
        try key.withBytes { key throws(StorageError) in
            try transaction.put(key, in: database, content: [])
        }
    }

    func delete(_ key: DueKey) throws(StorageError) {
        _ = try key.withBytes { key throws(StorageError) in try transaction.delete(key, in: database) }
    }

    /// Gives those of a subscription, the earliest first, until `body` returns false.
    func scan(
        _ subscription: UInt32, _ body: (DueKey) throws(StorageError) -> Bool
    ) throws(StorageError) {
        let cursor = try Cursor(transaction, database)
        var entry = try withKey(of: subscription) { key throws(StorageError) in try cursor.seek(key) }
        while let current = entry {
            guard let key = DueKey(current.key), key.subscription == subscription, try body(key)
            else { return }
            entry = try cursor.next()
        }
    }
}
#endif

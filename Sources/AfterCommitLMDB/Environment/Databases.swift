#if LMDB
import AfterCommit
import CLMDB
import Foundation

/// The engine's own databases.
struct Databases: Sendable {
    static let count = 10

    /// Facts about the store itself, by name.
    let meta: MDB_dbi
    /// Sequence (8 bytes, big-endian) to event, append-only.
    let log: MDB_dbi
    /// Name to ``SubscriptionRecord``.
    let subscriptions: MDB_dbi
    /// Subscription and sequence to ``ExceptionRecord``: deliveries that retry or are blocked.
    let exceptions: MDB_dbi
    /// Subscription, due date and sequence of those that retry.
    let due: MDB_dbi
    /// Subscription and sequence to dead letter.
    let dead: MDB_dbi
    /// Date and id to envelope: events that wait for their moment.
    let delayed: MDB_dbi
    /// Deduplication key to ``DeduplicationRecord``.
    let deduplication: MDB_dbi
    /// Date and deduplication key, to forget the oldest.
    let deduplicationAges: MDB_dbi
    /// Table and key to the stored bytes of records that cannot be read and have no other place.
    let quarantine: MDB_dbi
    /// All of them, as LMDB knows them.
    let handles: [(name: String, number: MDB_dbi)]

    init(_ transaction: Transaction, create: Bool) throws(StorageError) {
        var handles: [(name: String, number: MDB_dbi)] = []
        func open(_ name: String) throws(StorageError) -> MDB_dbi {
            let number = try Self.open(name, transaction, create: create)
            handles.append((name, number))
            return number
        }
        meta = try open("meta")
        log = try open("log")
        subscriptions = try open("subscriptions")
        exceptions = try open("exceptions")
        due = try open("due")
        dead = try open("dead")
        delayed = try open("delayed")
        deduplication = try open("deduplication")
        deduplicationAges = try open("deduplication.ages")
        quarantine = try open("quarantine")
        self.handles = handles
    }

    /// Writes what a new store begins with.
    func initialize(_ transaction: Transaction) throws(StorageError) {
        try StoreFormat.write(StoreFormat.current, transaction, meta)
        try StoreFormat.writeIdentity(UUID(), transaction, meta)
        // A tree that goes empty and fills again costs a page for each record: keep one key in each.
        for database in [exceptions, due, dead, delayed, deduplicationAges] {
            try withKey(of: UInt32(0)) { key throws(StorageError) in
                try transaction.put(key, in: database, content: [])
            }
        }
    }

    static func open(
        _ name: String, _ transaction: Transaction, create: Bool
    ) throws(StorageError) -> MDB_dbi {
        var database: MDB_dbi = 0
        try check(
            mdb_dbi_open(transaction.pointer, name, UInt32(create ? MDB_CREATE : 0), &database),
            "mdb_dbi_open(\(name))")
        return database
    }
}
#endif

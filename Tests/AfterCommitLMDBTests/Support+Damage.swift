#if LMDB
import AfterCommit
import CLMDB
import Testing

@testable import AfterCommitLMDB

extension LMDBStorage {
    /// Turns one bit in the last byte of a stored value, as a failing disk would: its checksum then fails.
    func damage(_ key: [UInt8], in database: @escaping @Sendable (StoreContext) -> MDB_dbi) async throws {
        let context = context
        let wasThere = try await write(
            WriteRequest(bytes: 1) { group in
                try withBytes(key) { key throws(StorageError) in
                    let database = database(context)
                    guard var bytes = try group.transaction.stored(key, in: database).map({ Array($0) }) else {
                        return false
                    }
                    bytes[bytes.count - 1] ^= 1
                    return try withBytes(bytes) { bytes throws(StorageError) in
                        var (key, value) = (MDB_val(key), MDB_val(bytes))
                        try AfterCommitLMDB.check(
                            mdb_put(group.transaction.pointer, database, &key, &value, 0), "mdb_put")
                        return true
                    }
                }
            })
        try #require(wasThere)
    }

    /// Damages the event of a sequence in the log.
    func damageLogged(_ sequence: UInt64) async throws {
        try await damage(withUnsafeBytes(of: sequence.bigEndian) { Array($0) }, in: { $0.databases.log })
    }

    /// Damages the row of a delivery that retries, waits or is parked.
    func damageException(_ sequence: UInt64, subscription: UInt32 = 1) async throws {
        let key = try DeliveryKey(subscription, sequence).withBytes { bytes throws(StorageError) in Array(bytes) }
        try await damage(key, in: { $0.databases.exceptions })
    }

    /// Damages the row of a dead letter.
    func damageDeadLetter(_ sequence: UInt64, subscription: UInt32 = 1) async throws {
        let key = try DeliveryKey(subscription, sequence).withBytes { bytes throws(StorageError) in Array(bytes) }
        try await damage(key, in: { $0.databases.dead })
    }
}
#endif

#if LMDB
import AfterCommit
import CLMDB
import Logging

/// The bytes of records that cannot be read, out of the way of the others, as one transaction sees them.
struct Quarantine {
    let transaction: Transaction
    let database: MDB_dbi
    let logger: Logger

    func keep(_ table: String, key: [UInt8], _ bytes: [UInt8]) throws(StorageError) {
        logger.error("a record that cannot be read was put into quarantine", metadata: ["table": "\(table)"])
        try withBytes(Array("\(table)/".utf8) + key) { key throws(StorageError) in
            try transaction.put(key, in: database, content: bytes)
        }
    }
}
#endif

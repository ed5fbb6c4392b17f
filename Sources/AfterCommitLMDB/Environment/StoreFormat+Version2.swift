#if LMDB
import AfterCommit
import CLMDB
import Foundation

extension StoreFormat {
    /// Version 2: an identity, trees for delayed events, deduplication and quarantine, and rows that tell the budget spent
    /// and whether they own their envelope. In version 1 all of them owned one.
    static func makeVersion2(_ transaction: Transaction, _ meta: MDB_dbi) throws(StorageError) {
        try writeIdentity(UUID(), transaction, meta)
        for name in ["delayed", "deduplication", "deduplication.ages", "quarantine"] {
            let database = try Databases.open(name, transaction, create: true)
            guard name == "delayed" || name == "deduplication.ages" else { continue }
            try withKey(of: UInt32(0)) { key throws(StorageError) in
                try transaction.put(key, in: database, content: [])
            }
        }
        let exceptions = try Databases.open("exceptions", transaction, create: false)
        try rewrite(exceptions, transaction) { reader throws(StorageError) in
            try reader.exceptionOfVersion1().encodedStored(JSONEventCoder())
        }
        let dead = try Databases.open("dead", transaction, create: false)
        try rewrite(dead, transaction) { reader throws(StorageError) in
            try reader.deadLetterOfVersion1()
        }
    }

    /// Writes every row anew. One that cannot be read stays as it is, as damaged as before.
    private static func rewrite(
        _ database: MDB_dbi, _ transaction: Transaction,
        _ convert: (inout ByteReader) throws(StorageError) -> [UInt8]
    ) throws(StorageError) {
        var keys: [[UInt8]] = []
        do {
            let cursor = try Cursor(transaction, database)
            var entry = try cursor.first()
            while let current = entry {
                if DeliveryKey(current.key) != nil { keys.append(Array(current.key)) }
                entry = try cursor.next()
            }
        }
        for key in keys {
            try withBytes(key) { key throws(StorageError) in
                let row: [UInt8]?
                do throws(StorageError) {
                    row = try transaction.content(key, in: database).map { content throws(StorageError) in
                        var reader = ByteReader(content)
                        return try convert(&reader)
                    }
                } catch {
                    guard error.lmdbError == nil else { throw error }
                    row = nil
                }
                if let row { try transaction.put(key, in: database, content: row) }
            }
        }
    }
}

extension ByteReader {
    fileprivate mutating func historyOfVersion1() throws(StorageError) -> DeliveryHistory {
        DeliveryHistory(
            attempts: try signed(), replayCount: try signed(), failures: try failures())
    }

    fileprivate mutating func exceptionOfVersion1() throws(StorageError) -> ExceptionRecord {
        let state: ExceptionRecord.State
        switch try byte() {
        case 1: state = .retrying(due: try date())
        case 2: state = .blocked
        default: throw StorageError(.corrupted, "a delivery is in a state that version 1 does not know")
        }
        let orderingKey = try optional { reader throws(StorageError) in try reader.string() }
        let history = try optional { reader throws(StorageError) in try reader.historyOfVersion1() }
        return ExceptionRecord(
            state: state, orderingKey: orderingKey, history: history, envelope: try envelope())
    }

    fileprivate mutating func deadLetterOfVersion1() throws(StorageError) -> [UInt8] {
        let blocksKey = try flag()
        _ = try optional { reader throws(StorageError) in try reader.string() }
        let reason = DeadLetter.Reason(rawValue: try string())
        let deadSince = try date()
        let history = try historyOfVersion1()
        let letter = DeadLetter(
            // Its place is in its key, not in its row.
            id: DeliveryID(subscription: "", sequence: 0), envelope: try envelope(), reason: reason,
            history: history, deadSince: deadSince, blocksKey: blocksKey)
        do {
            return try letter.encoded(coder: JSONEventCoder())
        } catch {
            throw StorageError(.corrupted, "a dead letter of version 1 cannot be written again", cause: error)
        }
    }
}
#endif

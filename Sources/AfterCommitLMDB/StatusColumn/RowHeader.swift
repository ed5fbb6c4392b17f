#if LMDB
import AfterCommit
import CLMDB
import Foundation

/// What stands before the content of a row that has an event: the status, and where the log has the event's reference.
struct RowHeader: Equatable {
    var status: RowStatus
    var sequence: UInt64

    init(status: RowStatus, sequence: UInt64) {
        self.status = status
        self.sequence = sequence
    }

    init(decoding bytes: UnsafeRawBufferPointer) throws(StorageError) {
        var reader = ByteReader(bytes)
        let state: RowStatus.State
        switch try reader.byte() {
        case 1: state = .pending
        case 2: state = .succeeded
        case 3: state = .failed
        case let other:
            throw StorageError(.formatTooNew, "a row has the status \(other), which this version does not know")
        }
        let eventID = try reader.eventID()
        sequence = try reader.integer()
        status = RowStatus(
            state: state, eventID: eventID, attempts: try reader.signed(), replayCount: try reader.signed(),
            due: try reader.optional { reader throws(StorageError) in try reader.date() },
            lastError: try reader.optional { reader throws(StorageError) in try reader.string() })
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        switch status.state {
        case .pending: writer.put(UInt8(1))
        case .succeeded: writer.put(UInt8(2))
        case .failed: writer.put(UInt8(3))
        }
        writer.put(status.eventID)
        writer.put(sequence)
        writer.put(status.attempts)
        writer.put(status.replayCount)
        writer.put(status.due) { $0.put($1) }
        writer.put(status.lastError) { $0.put($1) }
        return writer.bytes
    }
}

extension Transaction {
    /// A row of a user's table: its header, where it has one, and its content, valid until the transaction's next write or end.
    func row(
        _ key: Data, in database: MDB_dbi
    ) throws(StorageError) -> (header: RowHeader?, content: UnsafeRawBufferPointer)? {
        try withBytes(Array(key)) { key throws(StorageError) in
            guard let value = try stored(key, in: database) else { return nil }
            let (status, content) = try Record.row(value, key: key)
            return (try status.map { bytes throws(StorageError) in try RowHeader(decoding: bytes) }, content)
        }
    }

    /// Writes a row with its status.
    /// - Parameter content: not in the map, whose pages move.
    /// - Returns: about how many bytes it wrote.
    @discardableResult
    func putRow(
        _ key: Data, in database: MDB_dbi, _ header: RowHeader, _ content: Data
    ) throws(StorageError) -> Int {
        let status = header.encoded()
        let bytes = Record.rowBytes(status: status.count, content: content.count)
        try withBytes(Array(key)) { key throws(StorageError) in
            var keyValue = MDB_val(key)
            var value = MDB_val(mv_size: bytes, mv_data: nil)
            try check(mdb_put(pointer, database, &keyValue, &value, UInt32(MDB_RESERVE)), "mdb_put")
            let target = UnsafeMutableRawBufferPointer(start: value.mv_data, count: value.mv_size)
            content.withUnsafeBytes { Record.fill(target, key: key, status: status, content: $0) }
        }
        return Space.storedBytes(of: bytes) + key.count
    }
}
#endif

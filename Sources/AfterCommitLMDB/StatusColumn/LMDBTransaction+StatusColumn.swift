#if LMDB
public import AfterCommit
import CLMDB
import Foundation

/// How a transaction emits where each row has its event.
extension LMDBTransaction {
    func emit<E: Event>(_ event: E, _ options: EmitOptions, _ column: StatusColumn) throws -> EventID {
        var options = options
        let head = try envelopes.examine(event, &options)
        let key = try column.key(of: event)
        try column.check(options)
        let stamp = envelopes.stamp(head, options)
        try emit(key, head, stamp, column)
        return stamp.id
    }

    /// Emits what has its id and its date already.
    func emit(_ event: any Event, _ envelope: Envelope, _ column: StatusColumn) throws {
        try checkOpen()
        try emit(try column.key(of: event), EventHead(envelope), EventStamp(envelope), column)
    }

    private func emit(_ key: Data, _ head: EventHead, _ stamp: EventStamp, _ column: StatusColumn) throws {
        let database = try database(ofTable: column.table)
        guard let row = try innermost.row(key, in: database) else {
            throw StorageError.needsOutbox("an event of a row that is not in \(column.table)")
        }
        if let header = row.header, try group.awaitsSettlement(header, in: innermost) {
            throw StorageError.needsOutbox("a second event of a row of \(column.table) whose event is pending")
        }
        // Only what emits comes between, so that the place in the log is known before.
        let sequence = try group.lastSequence(in: innermost) + UInt64(events.count) + 1
        let status = RowStatus(state: .pending, eventID: stamp.id)
        try putRow(key, database, RowHeader(status: status, sequence: sequence), Data(row.content))
        key.withUnsafeBytes { events.append(column.event, head, stamp, nil, payload: $0) }
    }

    /// The header that a row has, and keeps when it is written.
    /// - Throws: `corrupted` for one that cannot be read: writing over it would lose its event silently.
    func header(of key: Data, in database: MDB_dbi) throws(StorageError) -> RowHeader? {
        try innermost.row(key, in: database)?.header
    }

    func putRow(_ key: Data, _ database: MDB_dbi, _ header: RowHeader, _ content: Data) throws {
        try writing { transaction in
            let bytes = Record.rowBytes(status: header.encoded().count, content: content.count)
            try takeRoom(key.count + bytes + Space.nodeBytes)
            try transaction.putRow(key, in: database, header, content)
        }
    }
}

extension LMDBTransaction {
    /// What became of a row's event; `nil` for a row that has none, or that is not there.
    public func status<Key, Value>(of key: Key, in table: Table<Key, Value>) throws -> RowStatus? {
        try access(table).status(of: key, in: table)
    }
}

extension WriteGroup {
    /// The log's last sequence, read through the transaction that is open innermost.
    func lastSequence(in innermost: Transaction) throws(StorageError) -> UInt64 {
        if let tail { return tail.sequence }
        return try context.log(innermost).last()?.sequence ?? 0
    }

    /// Whether a row's event is still to be delivered. One whose record was damaged can be settled without its row.
    func awaitsSettlement(_ header: RowHeader, in innermost: Transaction) throws(StorageError) -> Bool {
        guard header.status.state == .pending else { return false }
        for stored in try context.subscriptions(innermost).all() {
            let record = places[stored.name]?.record ?? stored
            guard record.isSettled(header.sequence) else { continue }
            return try DeliveryKey(record.id, header.sequence).withBytes { key throws(StorageError) in
                try innermost.stored(key, in: context.databases.exceptions) != nil
            }
        }
        return true
    }
}

extension TableAccess {
    func status<Key, Value>(of key: Key, in table: Table<Key, Value>) throws -> RowStatus? {
        try transaction.row(try table.checkedBytes(of: key), in: database)?.header?.status
    }
}
#endif

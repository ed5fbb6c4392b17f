#if LMDB
import AfterCommit
import CLMDB
import Foundation
import Logging

/// What is written into the rows beside the deliveries of their events.
extension WriteGroup {
    // MARK: Settling

    /// The references of deliveries, by sequence: before their exceptions go, which may be all that has them.
    func references(
        _ sequences: [UInt64], _ subscription: UInt32
    ) throws(StorageError) -> [UInt64: Envelope] {
        guard context.column != nil else { return [:] }
        var references: [UInt64: Envelope] = [:]
        for sequence in sequences {
            references[sequence] =
                try context.readable(
                    "what a settled delivery refers to cannot be read, and its row keeps its status",
                    [LogKey.sequence: "\(sequence)"]
                ) { () throws(StorageError) in try reference(DeliveryKey(subscription, sequence)) } ?? nil
        }
        return references
    }

    private func reference(_ key: DeliveryKey) throws(StorageError) -> Envelope? {
        var envelope = try context.log(transaction).envelope(key.sequence)
        if envelope == nil {
            envelope = try context.exceptions(transaction).content(key).map { content throws(StorageError) in
                try ExceptionRecord(decoding: content)
            }?.envelope
        }
        return envelope?.referredKey == nil ? nil : envelope
    }

    /// Writes outcomes into the rows.
    func markRows(
        _ batch: SettlementBatch, _ references: [UInt64: Envelope], without stale: Set<UInt64>
    ) throws(StorageError) {
        for sequence in batch.delivered where !stale.contains(sequence) {
            guard let reference = references[sequence] else { continue }
            try mark(reference) { $0.status.succeed() }
        }
        for settlement in batch.exceptions where !stale.contains(settlement.delivery.sequence) {
            guard let reference = references[settlement.delivery.sequence] else { continue }
            switch settlement.outcome {
            case .retrying(let due, let history): try mark(reference) { $0.status.wait(history, due: due) }
            case .parked(let history): try mark(reference) { $0.status.wait(history, due: nil) }
            case .deadLettered(let letter): try mark(reference) { $0.status.fail(letter) }
            case .blocked: break
            }
        }
    }

    /// Changes the header of the row that a reference leads to, if the row still has that event.
    /// - Returns: whether it has.
    @discardableResult
    private func mark(_ reference: Envelope, _ change: (inout RowHeader) -> Void) throws(StorageError) -> Bool {
        guard let key = reference.referredKey, let database = try rowDatabase() else { return false }
        let found = try context.readable(
            "a row cannot be read and keeps its status", [LogKey.eventID: "\(reference.id)"]
        ) { () throws(StorageError) in try transaction.row(key, in: database) }
        guard let row = found ?? nil, let header = row.header, header.status.eventID == reference.id else {
            return false
        }
        var changed = header
        change(&changed)
        if changed != header { wrote(try transaction.putRow(key, in: database, changed, Data(row.content))) }
        return true
    }

    private func rowDatabase() throws(StorageError) -> MDB_dbi? {
        guard let column = context.column else { return nil }
        if let database = database(ofTable: column.table) { return database }
        guard try TableHandles.exists(column.table, transaction) else { return nil }
        try openTable(column.table)
        return database(ofTable: column.table)
    }

    // MARK: Dead letters

    /// A dead letter as it is stored: with the event as it was tried last, and the reference.
    func encoded(_ letter: DeadLetter, _ reference: Envelope?) throws -> [UInt8] {
        guard let key = reference?.referredKey else { return try letter.encoded(coder: context.envelopes.coder) }
        do {
            return try letter.encoded(coder: context.envelopes.coder, reference: key)
        } catch {
            // An event that was made of its row and cannot be encoded must not hold up the others.
            var letter = letter
            context.logger.error(
                "a dead letter's event cannot be encoded; its row's bytes are kept",
                metadata: [LogKey.error: "\(error)", "delivery": "\(letter.id)"])
            letter.envelope.payload = .bytes(try rowBytes(key))
            letter.envelope.contentType = StatusColumn.rowType
            return try letter.encoded(coder: context.envelopes.coder, reference: key)
        }
    }

    private func rowBytes(_ key: Data) throws(StorageError) -> Data {
        guard let database = try rowDatabase(), let row = try transaction.row(key, in: database) else { return Data() }
        return Data(row.content)
    }

    /// Marks the row of a dead letter that is put back.
    /// - Returns: what the delivery refers to; `nil` where the row is gone or has another event, so that nothing is put back.
    func markRedriven(_ letter: DeadLetter, _ key: Data, due: Date) throws(StorageError) -> Envelope? {
        let reference = letter.envelope.referring(to: key)
        let history = letter.history.redriven
        guard try mark(reference, { $0.status.wait(history, due: due) }) else {
            context.logger.notice(
                "a dead letter stays dead: its row is gone or has another event", metadata: ["delivery": "\(letter.id)"]
            )
            return nil
        }
        return reference
    }

    // MARK: Subscriptions

    /// Lets the next subscription begin with what this one leaves: pending rows stay pending, and are never tried yet.
    func keepReferences(of subscription: UInt32) throws(StorageError) {
        guard context.column != nil else { return }
        var left: [(sequence: UInt64, reference: Envelope, isLogged: Bool)] = []
        let log = context.log(transaction)
        try context.exceptions(transaction).scan(subscription) { sequence, entry throws(StorageError) in
            guard let content = try? entry.content(), let record = try? ExceptionRecord(decoding: content) else {
                return true
            }
            let isLogged = record.envelope == nil
            let envelope = isLogged ? (try? log.envelope(sequence)) ?? nil : record.envelope
            if let envelope, envelope.referredKey != nil { left.append((sequence, envelope, isLogged)) }
            return true
        }
        for (sequence, reference, isLogged) in left {
            let place = isLogged ? sequence : try appendReference(reference)
            try mark(reference) { header in
                header.sequence = place
                header.status.wait(DeliveryHistory(replayCount: header.status.replayCount), due: nil)
            }
        }
    }

    private func appendReference(_ reference: Envelope) throws(StorageError) -> UInt64 {
        guard let key = reference.referredKey else { throw StorageError(.corrupted, "an event refers to no row") }
        var writer = ByteWriter()
        writer.put(reference, payload: key)
        return try appendToLog(writer.bytes)
    }
}
#endif

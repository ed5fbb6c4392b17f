#if LMDB
import AfterCommit
import Foundation

/// How the records of deliveries are examined.
extension StoreCheck {
    func examineException(_ entry: Cursor.Entry, _ report: inout StoreReport) throws(StorageError) {
        guard let key = try deliveryKey(entry) else { return }
        let record = try ExceptionRecord(decoding: try entry.content())
        _ = try context.delivery(key.sequence, record, transaction)
        switch record.state {
        case .blocked: report.blocked += 1
        case .parked: report.parked += 1
        case .retrying(let due):
            report.retrying += 1
            let dueKey = DueKey(key.subscription, due: due, sequence: key.sequence)
            let isIndexed = try dueKey.withBytes { bytes throws(StorageError) in
                try transaction.stored(bytes, in: context.databases.due) != nil
            }
            guard isIndexed else {
                throw StorageError(.corrupted, "it is not among what is due, so it is never tried again")
            }
        }
    }

    func examineDelayed(_ entry: Cursor.Entry, _ report: inout StoreReport) throws(StorageError) {
        if try isSentinel(entry) { return }
        guard let key = DelayedTable.Key(entry.key) else {
            throw StorageError(.corrupted, "its key has \(entry.key.count) bytes")
        }
        report.delayed += 1
        var reader = ByteReader(try entry.content())
        guard try reader.envelope().id == key.id else {
            throw StorageError(.corrupted, "it holds another event than its key says")
        }
    }

    func examineDue(_ entry: Cursor.Entry) throws(StorageError) {
        if try isSentinel(entry) { return }
        guard let key = DueKey(entry.key) else {
            throw StorageError(.corrupted, "its key has \(entry.key.count) bytes")
        }
        _ = try entry.content()
        let content: UnsafeRawBufferPointer?
        do throws(StorageError) {
            content = try context.exceptions(transaction).content(DeliveryKey(key.subscription, key.sequence))
        } catch {
            guard error.lmdbError == nil else { throw error }
            // The damaged record is reported in its own place.
            return
        }
        guard let content, try ExceptionRecord.head(content).state.due == key.due else {
            throw StorageError(.corrupted, "no delivery is due then")
        }
    }

    func examineDeadLetter(_ entry: Cursor.Entry, _ report: inout StoreReport) throws(StorageError) {
        guard let key = try deliveryKey(entry) else { return }
        report.deadLetters += 1
        _ = try DeadLetter(
            id: DeliveryID(subscription: "", sequence: key.sequence), decoding: try entry.content())
    }

    /// A row whose event is pending must have a delivery that is not settled.
    func examineRow(_ entry: Cursor.Entry) throws(StorageError) {
        guard let status = try Record.row(entry.value, key: entry.key).status else { return }
        let header = try RowHeader(decoding: status)
        guard header.status.state == .pending else { return }
        let logged: EventID?
        do throws(StorageError) {
            logged = try context.log(transaction).id(header.sequence)
        } catch {
            guard error.lmdbError == nil else { throw error }
            // The damaged record is reported in its own place.
            return
        }
        guard logged == nil || logged == header.status.eventID else {
            throw StorageError(.corrupted, "its event is pending, and the log has another one in its place")
        }
        for subscription in try context.subscriptions(transaction).all()
        where subscription.isSettled(header.sequence) {
            let waits = try DeliveryKey(subscription.id, header.sequence).withBytes { key throws(StorageError) in
                try transaction.stored(key, in: context.databases.exceptions) != nil
            }
            if waits { return }
            throw StorageError(.corrupted, "its event is pending, and \(subscription.name) has settled it")
        }
        guard logged != nil else { throw StorageError(.corrupted, "its event is pending, and the log has lost it") }
    }
}
#endif

#if LMDB
import AfterCommit
import Foundation
import Logging

/// What becomes of records that cannot be read: they are handed out as damaged, so that the subscription goes on and a
/// person sees them.
extension Claiming {
    /// `nil` and a line in the log for a record that cannot be read; the others go on.
    func readable<T>(
        _ sequence: UInt64, _ body: () throws(StorageError) -> T
    ) throws(StorageError) -> T? {
        try context.readable("a stored delivery cannot be read", [LogKey.sequence: "\(sequence)"], body)
    }

    /// Hands out what was found damaged and would not be found again: rows that tell neither key nor date.
    func claimDamaged(
        _ transaction: Transaction, _ live: LiveDeliveries.Subscription, _ rows: StatusRows?, limit: Int,
        into batch: inout ClaimedBatch
    ) throws(StorageError) {
        for sequence in live.damaged.sorted() where !live.claimedExceptions.contains(sequence) {
            guard batch.deliveries.count < limit else { return }
            batch.deliveries.append(try saved(DeliveryKey(live.id, sequence), transaction, rows))
        }
    }

    /// A damaged row in its place among those of its key. One whose key is lost is noted, since it has no place.
    func damaged(
        _ place: DeliveryKey, _ orderingKeys: Set<String>, _ transaction: Transaction, _ rows: StatusRows?,
        _ nameless: inout Set<UInt64>
    ) throws(StorageError) -> (key: String, delivery: ClaimedDelivery)? {
        let delivery = try saved(place, transaction, rows)
        guard let key = delivery.envelope.orderingKey else {
            nameless.insert(place.sequence)
            return nil
        }
        return orderingKeys.contains(key) ? (key, delivery) : nil
    }

    /// Lets the next claim hand them out.
    func noteDamaged(_ sequences: Set<UInt64>, _ subscription: String, _ generation: UInt64) {
        guard !sequences.isEmpty else { return }
        deliveries.withLock { state in
            guard state.generation == generation else { return }
            state.subscriptions[subscription]?.damaged.formUnion(sequences)
        }
        deliveries.wake(.claimable)
    }

    /// What can be saved of a delivery whose row or event cannot be read: the event, where the log has it whole, and the
    /// stored bytes otherwise; the history and the key, where the row is whole.
    func saved(
        _ place: DeliveryKey, _ transaction: Transaction, _ rows: StatusRows?
    ) throws(StorageError) -> ClaimedDelivery {
        let (row, head) = try place.withBytes { key throws(StorageError) -> (Data, ExceptionRecord.Head?) in
            guard let stored = try transaction.stored(key, in: context.databases.exceptions) else {
                return (Data(), nil)
            }
            return (Data(stored), (try? Record.content(of: stored, key: key)).flatMap { try? ExceptionRecord.head($0) })
        }
        let logged: Reading = try read(place.sequence, transaction, EventTypeSelection(["*"]), rows)
        var delivery =
            switch logged {
            case .delivery(let whole): whole
            // The row is whole, and it is the event that is not.
            case .damaged(let bytes) where head?.ownsEnvelope == false: unreadable(place.sequence, bytes)
            case .damaged, .other: unreadable(place.sequence, row)
            }
        delivery.history = head?.history
        if let key = head?.orderingKey, delivery.envelope.orderingKey == nil {
            var envelope = delivery.envelope
            envelope.orderingKey = key
            delivery = ClaimedDelivery(sequence: place.sequence, envelope: envelope, history: delivery.history)
        }
        delivery.isDamaged = true
        return delivery
    }

    /// A delivery of bytes as they are.
    func unreadable(_ sequence: UInt64, _ bytes: Data) -> ClaimedDelivery {
        var delivery = ClaimedDelivery(
            sequence: sequence,
            envelope: Envelope(
                id: EventID(high: 0, low: sequence), type: StoreContext.unreadable, source: "/",
                time: context.envelopes.wallClock.now(), contentType: "application/octet-stream", payload: .bytes(bytes)
            ))
        delivery.isDamaged = true
        return delivery
    }
}
#endif

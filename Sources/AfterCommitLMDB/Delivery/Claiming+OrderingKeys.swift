#if LMDB
import AfterCommit
import Foundation

/// Claims in the order of their keys.
extension Claiming {
    func claimBlocked(
        subscription: String, orderingKeys: Set<String>, limitPerKey: Int
    ) throws -> [String: [ClaimedDelivery]] {
        guard let (transaction, live, generation, rows) = try begin(subscription) else { return [:] }
        defer { transaction.abort() }
        var claimed: [String: [ClaimedDelivery]] = [:]
        var nameless: Set<UInt64> = []
        var wanted = orderingKeys
        try context.exceptions(transaction).scan(live.id) { sequence, entry throws(StorageError) in
            guard !wanted.isEmpty else { return false }
            if live.claimedExceptions.contains(sequence) { return true }
            let found = try readable(sequence) { () throws(StorageError) in
                try blocked(sequence, entry, wanted, transaction, rows)
            }
            let inPlace: (key: String, delivery: ClaimedDelivery)?
            if let found {
                inPlace = found
            } else {
                inPlace = try damaged(DeliveryKey(live.id, sequence), wanted, transaction, rows, &nameless)
            }
            if let (key, delivery) = inPlace {
                claimed[key, default: []].append(delivery)
                if claimed[key]?.count == limitPerKey { wanted.remove(key) }
            }
            return true
        }
        let sequences = Set(claimed.values.joined().map(\.sequence))
        guard note(sequences, subscription, generation) else { return [:] }
        noteDamaged(nameless, subscription, generation)
        return claimed
    }

    /// What a subscription must know to keep ordering keys, and which rows cannot tell it.
    func orderedKeys(
        _ transaction: Transaction, _ id: UInt32
    ) throws -> (keys: [SubscriptionPlace.OrderedKey], damaged: Set<UInt64>) {
        var keys: [String: SubscriptionPlace.OrderedKey] = [:]
        var damaged: Set<UInt64> = []
        try context.exceptions(transaction).scan(id) { sequence, entry throws(StorageError) in
            let head = try readable(sequence) { () throws(StorageError) in
                try ExceptionRecord.head(try entry.content())
            }
            var key = head?.orderingKey
            if head == nil {
                key = try saved(DeliveryKey(id, sequence), transaction, nil).envelope.orderingKey
                // Behind others of its key it is found in its place.
                if key.flatMap({ keys[$0] }) == nil { damaged.insert(sequence) }
            }
            guard let key else { return true }
            let isBlocked = head.map { $0.state == .blocked } ?? !damaged.contains(sequence)
            var ordered = keys[key] ?? .init(key: key)
            if isBlocked {
                ordered.blocked += 1
                ordered.firstBlocked = ordered.firstBlocked ?? sequence
            } else {
                ordered.retrying = ordered.retrying ?? sequence
            }
            keys[key] = ordered
            return true
        }
        try context.dead(transaction).scan(id) { sequence, entry throws(StorageError) in
            let head = try readable(sequence) { () throws(StorageError) in
                try DeadLetter.head(try entry.content())
            }
            guard let head, head.blocksKey, let key = head.orderingKey else { return true }
            var ordered = keys[key] ?? .init(key: key)
            ordered.dead = sequence
            keys[key] = ordered
            return true
        }
        return (Array(keys.values), damaged)
    }

    func blocked(
        _ sequence: UInt64, _ entry: Cursor.Entry, _ orderingKeys: Set<String>, _ transaction: Transaction,
        _ rows: StatusRows?
    ) throws(StorageError) -> (key: String, delivery: ClaimedDelivery)? {
        let content = try entry.content()
        let head = try ExceptionRecord.head(content)
        guard head.state == .blocked, let key = head.orderingKey, orderingKeys.contains(key) else { return nil }
        return (key, try context.delivery(sequence, try ExceptionRecord(decoding: content), transaction, rows))
    }
}
#endif

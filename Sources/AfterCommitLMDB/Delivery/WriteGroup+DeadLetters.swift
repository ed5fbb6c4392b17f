#if LMDB
import AfterCommit
import Foundation
import Logging

/// What a person does with dead letters.
extension WriteGroup {
    func redrive(_ ids: [DeliveryID]) throws -> [DeliveryID] {
        let now = context.envelopes.wallClock.now()
        return try removeDeadLetters(ids) { key, letter in
            guard let letter else { return true }
            var envelope = letter.envelope
            if self.context.column != nil, let row = try self.reference(ofDeadLetter: key) {
                guard let reference = try self.markRedriven(letter, row, due: now) else { return false }
                envelope = reference
            }
            try self.putException(key, envelope, .retrying(due: now), letter.history.redriven)
            return true
        }
    }

    func deleteDeadLetters(_ ids: [DeliveryID]) throws -> [DeliveryID] {
        try removeDeadLetters(ids, reading: false) { _, _ in true }
    }

    private func reference(ofDeadLetter key: DeliveryKey) throws(StorageError) -> Data? {
        try context.dead(transaction).content(key).map { content throws(StorageError) in
            try DeadLetter.reference(content)
        } ?? nil
    }

    /// - Parameter body: does the rest, and tells whether it may be removed.
    private func removeDeadLetters(
        _ ids: [DeliveryID], reading: Bool = true, _ body: (DeliveryKey, DeadLetter?) throws -> Bool
    ) throws -> [DeliveryID] {
        try mutate {
            let dead = context.dead(transaction)
            var removed: [DeliveryID] = []
            for id in ids {
                guard let place = try place(id.subscription) else { continue }
                let key = DeliveryKey(place.record.id, id.sequence)
                // A letter that cannot be read stays where it is, but can be deleted.
                let letter = try reading ? readable(id, key) : nil
                guard !reading || letter != nil else { continue }
                guard try body(key, letter), try dead.delete(key) else { continue }
                removed.append(id)
            }
            if !removed.isEmpty {
                try StoreFormat.countDeadLetters(removed: removed.count, transaction, context.databases.meta)
                change.formUnion([.claimable, .deadLetters])
            }
            return removed
        }
    }

    /// `nil` where there is none, or it cannot be read.
    private func readable(_ id: DeliveryID, _ key: DeliveryKey) throws(StorageError) -> DeadLetter? {
        let letter = try context.readable("a dead letter cannot be read and stays dead", ["delivery": "\(id)"]) {
            () throws(StorageError) in
            try context.dead(transaction).content(key).map { content throws(StorageError) in
                try DeadLetter(id: id, decoding: content)
            }
        }
        return letter ?? nil
    }
}
#endif

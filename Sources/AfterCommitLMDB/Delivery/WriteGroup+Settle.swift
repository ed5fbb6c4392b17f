#if LMDB
import AfterCommit
import Foundation
import Logging

extension WriteGroup {
    /// Records outcomes of one subscription: the place is written once for the group, rows only for what is not simply done.
    func settle(_ batch: SettlementBatch) throws -> SettlementReport {
        try mutate {
            guard var place = try place(batch.subscription) else { return }
            let sequences = batch.delivered + batch.exceptions.map(\.delivery.sequence)
            // Only what was settled before can have rows.
            for sequence in sequences where place.cursor.isSettled(sequence) {
                try removeException(DeliveryKey(place.record.id, sequence))
            }
            for settlement in batch.exceptions {
                try record(settlement, place.record.id)
            }
            place.cursor.settle(sequences)
            place.record.settledBelow = place.cursor.settledBelow
            place.record.settledAhead = place.cursor.settledAhead
            place.isChanged = true
            places[batch.subscription] = place
            let deliveries = context.deliveries
            afterCommit.append { deliveries.settled(sequences, subscription: batch.subscription) }
        }
        return SettlementReport()
    }

    private func record(_ settlement: Settlement, _ subscription: UInt32) throws {
        let delivery = settlement.delivery
        let key = DeliveryKey(subscription, delivery.sequence)
        switch settlement.outcome {
        case .retrying(let due, let history):
            try putRetrying(key, delivery.envelope, due: due, history: history)
        case .blocked:
            let row = try ExceptionRecord(state: .blocked, delivery: delivery)
                .encoded(coder: context.envelopes.coder)
            try context.exceptions(transaction).put(key, row)
            wrote(Space.storedBytes(of: row.count))
        case .deadLettered(let letter):
            let row = try letter.encoded(coder: context.envelopes.coder)
            try context.dead(transaction).put(key, row)
            wrote(Space.storedBytes(of: row.count))
        }
        wakes = true
    }

    private func putRetrying(
        _ key: DeliveryKey, _ envelope: Envelope, due: Date, history: DeliveryHistory
    ) throws {
        let delivery = ClaimedDelivery(sequence: key.sequence, envelope: envelope, history: history)
        let row = try ExceptionRecord(state: .retrying(due: due), delivery: delivery)
            .encoded(coder: context.envelopes.coder)
        try context.exceptions(transaction).put(key, row)
        try context.due(transaction).insert(
            DueKey(key.subscription, due: due, sequence: key.sequence))
        wrote(Space.storedBytes(of: row.count) + Space.storedBytes(of: 0))
    }

    private func removeException(_ key: DeliveryKey) throws(StorageError) {
        let exceptions = context.exceptions(transaction)
        let head: ExceptionRecord.Head?
        do throws(StorageError) {
            head = try exceptions.content(key).map { content throws(StorageError) in
                try ExceptionRecord.head(content)
            }
        } catch {
            guard error.lmdbError == nil else { throw error }
            // A damaged row goes all the same; its due date is skipped when it is met.
            context.logger.error(
                "a damaged delivery is settled",
                metadata: [LogKey.error: "\(error)", "sequence": "\(key.sequence)"])
            try exceptions.delete(key)
            return
        }
        guard let head else { return }
        if let due = head.due {
            try context.due(transaction).delete(
                DueKey(key.subscription, due: due, sequence: key.sequence))
        }
        try exceptions.delete(key)
    }

    // MARK: Dead letters

    func redrive(_ ids: [DeliveryID]) throws -> [DeliveryID] {
        let now = context.envelopes.wallClock.now()
        return try removeDeadLetters(ids) { key, letter in
            guard let letter else { return }
            var history = letter.history
            history.attempts = 0
            history.replayCount += 1
            try self.putRetrying(key, letter.envelope, due: now, history: history)
        }
    }

    func deleteDeadLetters(_ ids: [DeliveryID]) throws -> [DeliveryID] {
        try removeDeadLetters(ids, reading: false) { _, _ in }
    }

    private func removeDeadLetters(
        _ ids: [DeliveryID], reading: Bool = true, _ body: (DeliveryKey, DeadLetter?) throws -> Void
    ) throws -> [DeliveryID] {
        try mutate {
            let dead = context.dead(transaction)
            var removed: [DeliveryID] = []
            for id in ids {
                guard let place = try place(id.subscription) else { continue }
                let key = DeliveryKey(place.record.id, id.sequence)
                // A letter that cannot be read stays where it is, but can be deleted.
                let letter = try reading ? dead.content(key).map { try DeadLetter(id: id, decoding: $0) } : nil
                guard !reading || letter != nil else { continue }
                guard try dead.delete(key) else { continue }
                try body(key, letter)
                removed.append(id)
            }
            if !removed.isEmpty { wakes = true }
            return removed
        }
    }
}
#endif

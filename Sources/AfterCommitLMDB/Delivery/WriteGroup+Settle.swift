#if LMDB
import AfterCommit
import Foundation
import Logging

extension WriteGroup {
    /// Records outcomes of one subscription: the place is written once for the group, rows only for what is not simply done.
    func settle(_ batch: SettlementBatch) throws -> SettlementReport {
        try mutate {
            guard var place = try place(batch.subscription) else { return SettlementReport() }
            var report = SettlementReport()
            let sequences = batch.delivered + batch.exceptions.map(\.delivery.sequence)
            let references = try references(sequences, place.record.id)
            // Only what was settled before can have rows; without one it is settled for good.
            for sequence in sequences where place.cursor.isSettled(sequence) {
                if try !removeException(DeliveryKey(place.record.id, sequence)) { report.stale.append(sequence) }
            }
            let stale = Set(report.stale)
            for settlement in batch.exceptions where !stale.contains(settlement.delivery.sequence) {
                try record(settlement, place.record.id, references[settlement.delivery.sequence])
                recorded.insert(
                    DeliveryID(subscription: batch.subscription, sequence: settlement.delivery.sequence))
            }
            if context.column != nil { try markRows(batch, references, without: stale) }
            place.cursor.settle(sequences)
            place.record.settledBelow = place.cursor.settledBelow
            place.record.settledAhead = place.cursor.settledAhead
            place.isChanged = true
            places[batch.subscription] = place
            report.refusedEmissions = try store(batch.emissions(without: report.stale))
            let deliveries = context.deliveries
            afterCommit.append { deliveries.settled(sequences, subscription: batch.subscription) }
            return report
        }
    }

    /// Whether a delivery is settled for good.
    func isSettled(_ delivery: DeliveryID) throws -> Bool {
        guard let place = try place(delivery.subscription) else { return true }
        guard place.cursor.isSettled(delivery.sequence) else { return false }
        let key = DeliveryKey(place.record.id, delivery.sequence)
        return try key.withBytes { key throws(StorageError) in
            try transaction.stored(key, in: context.databases.exceptions) == nil
        }
    }

    /// Refuses to settle what an attempt was given up for: its failure was recorded first, and the next attempt's turn
    /// would be taken from under it.
    func checkClaimed(_ delivery: DeliveryID) throws(StorageError) {
        guard !recorded.contains(delivery), context.deliveries.isClaimed(delivery) else {
            throw StorageError.notClaimed(delivery)
        }
    }

    /// Stores what handlers emitted. One by one, so that a key that is taken refuses its own event only.
    /// - Returns: the deduplication keys of those that were refused.
    private func store(_ emissions: [Emission]) throws -> [String] {
        guard !emissions.isEmpty else { return [] }
        // Only who asked nobody has emitted them.
        guard context.column == nil else { return emissions.map { "\($0.envelope.id)" } }
        if emissions.allSatisfy({ $0.deduplication == nil }) {
            try store(try EncodedEvents(emissions, for: context.envelopes))
            return []
        }
        var refused: [String] = []
        for emission in emissions {
            do {
                try store(try EncodedEvents([emission], for: context.envelopes))
            } catch is EmitError {
                refused.append(emission.deduplication?.key ?? "")
            }
        }
        return refused
    }

    /// - Parameter reference: what the delivery refers to, where its event is made of a row.
    private func record(_ settlement: Settlement, _ subscription: UInt32, _ reference: Envelope?) throws {
        let delivery = settlement.delivery
        let envelope = reference ?? delivery.envelope
        let key = DeliveryKey(subscription, delivery.sequence)
        switch settlement.outcome {
        case .retrying(let due, let history):
            try putException(key, envelope, .retrying(due: due), history)
        case .blocked:
            try putException(key, envelope, .blocked, delivery.history)
        case .parked(let history):
            try putException(key, envelope, .parked, history)
        case .deadLettered(let letter):
            let row = try encoded(letter, reference)
            try context.dead(transaction).put(key, row)
            wrote(Space.storedBytes(of: row.count))
        }
        change.insert(.claimable)
    }

    /// Writes an exception, with its envelope only where the log has lost it.
    func putException(
        _ key: DeliveryKey, _ envelope: Envelope, _ state: ExceptionRecord.State, _ history: DeliveryHistory?
    ) throws {
        let isLogged = try isLogged(envelope.id, at: key.sequence)
        let row = try ExceptionRecord(
            state: state, orderingKey: envelope.orderingKey, history: history,
            envelope: isLogged ? nil : envelope
        ).encoded(coder: context.envelopes.coder)
        try context.exceptions(transaction).put(key, row)
        wrote(Space.storedBytes(of: row.count))
        if let due = state.due {
            try context.due(transaction).insert(DueKey(key.subscription, due: due, sequence: key.sequence))
            wrote(Space.storedBytes(of: 0))
        }
    }

    /// Whether the log has the event, and can give it back: of one that is damaged there only the bytes are known.
    private func isLogged(_ id: EventID, at sequence: UInt64) throws(StorageError) -> Bool {
        guard try firstLogged() <= sequence else { return false }
        do throws(StorageError) {
            return try context.log(transaction).id(sequence) == id
        } catch {
            guard error.lmdbError == nil else { throw error }
            return false
        }
    }

    /// - Returns: whether there was a row.
    private func removeException(_ key: DeliveryKey) throws(StorageError) -> Bool {
        let exceptions = context.exceptions(transaction)
        let head: ExceptionRecord.Head?
        do throws(StorageError) {
            head = try exceptions.content(key).map { content throws(StorageError) in
                try ExceptionRecord.head(content)
            }
        } catch {
            guard error.lmdbError == nil else { throw error }
            // A damaged row goes all the same, and its due date is found without it.
            context.logger.error(
                "a damaged delivery is settled",
                metadata: [LogKey.error: "\(error)", LogKey.sequence: "\(key.sequence)"])
            try removeDueDates(of: key)
            return try exceptions.delete(key)
        }
        guard let head else { return false }
        if let due = head.state.due {
            try context.due(transaction).delete(
                DueKey(key.subscription, due: due, sequence: key.sequence))
        }
        return try exceptions.delete(key)
    }

    private func removeDueDates(of key: DeliveryKey) throws(StorageError) {
        let due = context.due(transaction)
        var found: [DueKey] = []
        try due.scan(key.subscription) { dueKey in
            if dueKey.sequence == key.sequence { found.append(dueKey) }
            return true
        }
        for dueKey in found { try due.delete(dueKey) }
    }
}
#endif

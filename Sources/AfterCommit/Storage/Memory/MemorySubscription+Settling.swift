import DequeModule
import Foundation
import HeapModule

/// Settling, and what becomes of dead letters.
extension MemorySubscription {
    func isSettled(_ sequence: UInt64) -> Bool {
        cursor.isSettled(sequence) && exceptions[sequence] == nil
    }

    mutating func settle(_ batch: SettlementBatch, maxDeadLetters: Int) -> SettlementReport {
        var batch = batch
        let stale = removeStale(from: &batch)
        if !exceptions.isEmpty {
            for sequence in batch.delivered { removeException(sequence) }
        }
        cursor.settle(batch.delivered)
        for settlement in batch.exceptions { record(settlement) }
        cursor.settle(batch.exceptions.map(\.delivery.sequence))
        return SettlementReport(evictedDeadLetters: evict(maxDeadLetters: maxDeadLetters), stale: stale)
    }

    func removeStale(from batch: inout SettlementBatch) -> [UInt64] {
        // Almost always there is none: no array is made to find that out.
        guard
            batch.delivered.contains(where: { isSettled($0) })
                || batch.exceptions.contains(where: { isSettled($0.delivery.sequence) })
        else { return [] }
        let stale =
            batch.delivered.filter { isSettled($0) }
            + batch.exceptions.map(\.delivery.sequence).filter { isSettled($0) }
        let refused = Set(stale)
        batch.delivered.removeAll { refused.contains($0) }
        batch.exceptions.removeAll { refused.contains($0.delivery.sequence) }
        return stale
    }

    mutating func record(_ settlement: Settlement) {
        let sequence = settlement.delivery.sequence
        removeException(sequence)
        switch settlement.outcome {
        case .retrying(let due, let history):
            insertRetrying(settlement.delivery, due: due, history: history)
        case .parked(let history):
            var delivery = settlement.delivery
            delivery.history = history
            exceptions[sequence] = Exception(delivery: delivery, isParked: true)
        case .blocked:
            exceptions[sequence] = Exception(delivery: settlement.delivery)
            if let key = settlement.delivery.envelope.orderingKey {
                var waiting = blocked[key] ?? []
                let place = waiting.firstIndex { $0 > sequence } ?? waiting.endIndex
                waiting.insert(sequence, at: place)
                blocked[key] = waiting
            }
        case .deadLettered(let letter):
            deadLetters[sequence] = letter
            deadOrder.append(sequence)
        }
    }

    mutating func insertRetrying(
        _ delivery: ClaimedDelivery, due: Date, history: DeliveryHistory
    ) {
        var delivery = delivery
        delivery.history = history
        exceptions[delivery.sequence] = Exception(delivery: delivery, due: due)
        dueQueue.insert(Due(date: due, sequence: delivery.sequence))
    }

    mutating func removeException(_ sequence: UInt64) {
        guard let exception = exceptions.removeValue(forKey: sequence), exception.due == nil,
            let key = exception.delivery.envelope.orderingKey
        else { return }
        blocked[key]?.removeAll { $0 == sequence }
        if blocked[key]?.isEmpty == true { blocked[key] = nil }
    }

    mutating func evict(maxDeadLetters: Int) -> [DeliveryID] {
        var evicted: [DeliveryID] = []
        while deadLetters.count > maxDeadLetters, let oldest = deadOrder.popFirst() {
            if let letter = deadLetters.removeValue(forKey: oldest) { evicted.append(letter.id) }
        }
        return evicted
    }

    // MARK: Dead letters

    mutating func redrive(_ sequence: UInt64, now: Date) -> Bool {
        guard let letter = deadLetters.removeValue(forKey: sequence) else { return false }
        deadOrder.removeAll { $0 == sequence }
        insertRetrying(
            ClaimedDelivery(sequence: sequence, envelope: letter.envelope), due: now,
            history: letter.history.redriven)
        return true
    }

    mutating func deleteDeadLetter(_ sequence: UInt64) -> Bool {
        guard deadLetters.removeValue(forKey: sequence) != nil else { return false }
        deadOrder.removeAll { $0 == sequence }
        return true
    }
}

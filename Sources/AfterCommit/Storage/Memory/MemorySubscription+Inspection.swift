import Foundation

/// What is in it, for those who look.
extension MemorySubscription {
    func exceptionCounts() -> DeliveryCounts {
        var counts = DeliveryCounts(deadLettered: deadLetters.count)
        for exception in exceptions.values {
            switch exception.state {
            case .parked: counts.parked += 1
            case .blocked: counts.blocked += 1
            default: counts.retrying += 1
            }
        }
        return counts
    }

    func orderedKeys() -> [SubscriptionPlace.OrderedKey] {
        var keys: [String: SubscriptionPlace.OrderedKey] = [:]
        for (sequence, exception) in exceptions {
            guard let key = exception.delivery.envelope.orderingKey else { continue }
            if exception.state == .blocked {
                let first = keys[key]?.firstBlocked ?? sequence
                keys[key, default: .init(key: key)].blocked += 1
                keys[key]?.firstBlocked = min(first, sequence)
            } else {
                let first = keys[key]?.retrying ?? sequence
                keys[key, default: .init(key: key)].retrying = min(first, sequence)
            }
        }
        for (sequence, letter) in deadLetters where letter.blocksKey {
            guard let key = letter.envelope.orderingKey else { continue }
            keys[key, default: .init(key: key)].dead = sequence
        }
        return Array(keys.values)
    }

    func record(_ sequence: UInt64, logged: Envelope?) -> DeliveryRecord? {
        let id = DeliveryID(subscription: name, sequence: sequence)
        if let letter = deadLetters[sequence] {
            return DeliveryRecord(
                id: id, envelope: letter.envelope, state: .deadLettered, history: letter.history)
        }
        if let exception = exceptions[sequence] {
            return DeliveryRecord(
                id: id, envelope: exception.delivery.envelope,
                state: exception.state, due: exception.due,
                history: exception.delivery.history ?? DeliveryHistory())
        }
        guard let logged, sequence >= start, types.contains(logged.type) else { return nil }
        return DeliveryRecord(
            id: id, envelope: logged, state: cursor.isSettled(sequence) ? .delivered : .pending)
    }
}

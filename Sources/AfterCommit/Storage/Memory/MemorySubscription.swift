import DequeModule
import Foundation
import HeapModule

/// One subscription's place in the log of an in-memory storage, with its exceptions beside it.
struct MemorySubscription {
    /// A delivery that left the log's straight way.
    struct Exception {
        var delivery: ClaimedDelivery
        /// When it is due again; `nil` while it waits behind its key, or for a binary that knows it.
        var due: Date?
        var isParked = false
        var isClaimed = false

        var state: DeliveryState { due != nil ? .retrying : isParked ? .parked : .blocked }
    }

    private struct Due: Comparable {
        let date: Date
        let sequence: UInt64

        static func < (a: Self, b: Self) -> Bool { (a.date, a.sequence) < (b.date, b.sequence) }
    }

    let name: String
    let start: UInt64
    var types = EventTypeSelection([]) {
        didSet { lastHandled = nil }
    }
    var cursor: SubscriptionCursor
    private(set) var exceptions: [UInt64: Exception] = [:]
    private(set) var deadLetters: [UInt64: DeadLetter] = [:]
    private var deadOrder: Deque<UInt64> = []
    /// May hold entries that are out of date; they are dropped when met.
    private var dueQueue = Heap<Due>()
    private var blocked: [String: [UInt64]] = [:]
    /// Found among ``types`` last: almost always the next one's type too, and comparing is cheaper than looking it up.
    private var lastHandled: EventType?

    init(name: String, start: UInt64) {
        self.name = name
        self.start = start
        cursor = SubscriptionCursor(settledBelow: start)
    }

    // MARK: Claiming

    mutating func handles(_ type: EventType) -> Bool {
        if type == lastHandled { return true }
        guard types.contains(type) else { return false }
        lastHandled = type
        return true
    }

    mutating func claimDue(now: Date, limit: Int, into batch: inout ClaimedBatch) {
        while let first = dueQueue.min {
            guard let exception = exceptions[first.sequence], exception.due == first.date,
                !exception.isClaimed
            else {
                dueQueue.removeMin()
                continue
            }
            guard first.date <= now, batch.deliveries.count < limit else {
                batch.nextDue = first.date
                return
            }
            dueQueue.removeMin()
            exceptions[first.sequence]?.isClaimed = true
            batch.deliveries.append(exception.delivery)
        }
    }

    mutating func claimBlocked(orderingKey: String, limit: Int) -> [ClaimedDelivery] {
        var claimed: [ClaimedDelivery] = []
        for sequence in blocked[orderingKey] ?? [] where claimed.count < limit {
            guard let exception = exceptions[sequence], !exception.isClaimed else { continue }
            exceptions[sequence]?.isClaimed = true
            claimed.append(exception.delivery)
        }
        return claimed
    }

    /// Hands out one delivery, wherever it waits.
    mutating func claim(_ sequence: UInt64, logged: EnvelopeBox?) -> ClaimedDelivery? {
        if let exception = exceptions[sequence] {
            guard !exception.isClaimed else { return nil }
            exceptions[sequence]?.isClaimed = true
            return exception.delivery
        }
        guard let logged, sequence >= start, types.contains(logged.envelope.type), deadLetters[sequence] == nil,
            cursor.claim(sequence)
        else { return nil }
        return ClaimedDelivery(sequence: sequence, box: logged)
    }

    /// What was parked is due: this binary may know it.
    mutating func unpark(due: Date) {
        for (sequence, exception) in exceptions where exception.isParked {
            exceptions[sequence]?.isParked = false
            exceptions[sequence]?.due = due
            dueQueue.insert(Due(date: due, sequence: sequence))
        }
    }

    mutating func release(_ sequences: [UInt64]) {
        for sequence in sequences {
            if let exception = exceptions[sequence] {
                exceptions[sequence]?.isClaimed = false
                if let due = exception.due { dueQueue.insert(Due(date: due, sequence: sequence)) }
            } else {
                cursor.release(sequence)
            }
        }
    }

    /// What was trimmed while no engine delivered to it is gone.
    mutating func begin(from first: UInt64) {
        guard cursor.settledBelow < first else { return }
        cursor = SubscriptionCursor(
            settledBelow: cursor.settledBelow, settledAhead: cursor.settledAhead, trimmedBelow: first)
    }

    mutating func releaseAll() {
        release(exceptions.filter(\.value.isClaimed).map(\.key))
        cursor = SubscriptionCursor(
            settledBelow: cursor.settledBelow, settledAhead: cursor.settledAhead)
    }

    // MARK: Settling

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

    private func removeStale(from batch: inout SettlementBatch) -> [UInt64] {
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

    private mutating func record(_ settlement: Settlement) {
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

    private mutating func insertRetrying(
        _ delivery: ClaimedDelivery, due: Date, history: DeliveryHistory
    ) {
        var delivery = delivery
        delivery.history = history
        exceptions[delivery.sequence] = Exception(delivery: delivery, due: due)
        dueQueue.insert(Due(date: due, sequence: delivery.sequence))
    }

    private mutating func removeException(_ sequence: UInt64) {
        guard let exception = exceptions.removeValue(forKey: sequence), exception.due == nil,
            let key = exception.delivery.envelope.orderingKey
        else { return }
        blocked[key]?.removeAll { $0 == sequence }
        if blocked[key]?.isEmpty == true { blocked[key] = nil }
    }

    private mutating func evict(maxDeadLetters: Int) -> [DeliveryID] {
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

    // MARK: Inspecting

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

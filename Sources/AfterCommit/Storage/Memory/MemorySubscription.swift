import DequeModule
import Foundation
import HeapModule

/// One subscription's place in the log of an in-memory storage, with its exceptions beside it.
struct MemorySubscription {
    /// A delivery that left the log's straight way.
    struct Exception {
        var delivery: ClaimedDelivery
        /// When it is due again; `nil` while it waits behind its key.
        var due: Date?
        var isClaimed = false
    }

    private struct Due: Comparable {
        let date: Date
        let sequence: UInt64

        static func < (a: Self, b: Self) -> Bool { (a.date, a.sequence) < (b.date, b.sequence) }
    }

    let name: String
    let start: UInt64
    var types: Set<EventType> = [] {
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

    /// - Returns: dead letters that fell out.
    mutating func settle(_ batch: SettlementBatch, maxDeadLetters: Int) -> [DeliveryID] {
        if !exceptions.isEmpty {
            for sequence in batch.delivered { removeException(sequence) }
        }
        cursor.settle(batch.delivered)
        for settlement in batch.exceptions {
            let sequence = settlement.delivery.sequence
            removeException(sequence)
            switch settlement.outcome {
            case .retrying(let due, let history):
                insertRetrying(settlement.delivery, due: due, history: history)
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
        cursor.settle(batch.exceptions.map(\.delivery.sequence))
        return evict(maxDeadLetters: maxDeadLetters)
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
        var history = letter.history
        history.attempts = 0
        history.replayCount += 1
        insertRetrying(
            ClaimedDelivery(sequence: sequence, envelope: letter.envelope), due: now,
            history: history)
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
            if exception.due == nil { counts.blocked += 1 } else { counts.retrying += 1 }
        }
        return counts
    }

    func orderedKeys() -> [SubscriptionPlace.OrderedKey] {
        var keys: [String: SubscriptionPlace.OrderedKey] = [:]
        for (sequence, exception) in exceptions {
            guard let key = exception.delivery.envelope.orderingKey else { continue }
            if exception.due == nil {
                keys[key, default: .init(key: key)].blocked += 1
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
                state: exception.due == nil ? .blocked : .retrying, due: exception.due,
                history: exception.delivery.history ?? DeliveryHistory())
        }
        guard let logged, sequence >= start, types.contains(logged.type) else { return nil }
        return DeliveryRecord(
            id: id, envelope: logged, state: cursor.isSettled(sequence) ? .delivered : .pending)
    }
}

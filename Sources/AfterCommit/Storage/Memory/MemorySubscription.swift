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

    struct Due: Comparable {
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
    var exceptions: [UInt64: Exception] = [:]
    var deadLetters: [UInt64: DeadLetter] = [:]
    var deadOrder: Deque<UInt64> = []
    /// May hold entries that are out of date; they are dropped when met.
    var dueQueue = Heap<Due>()
    var blocked: [String: [UInt64]] = [:]
    /// Found among ``types`` last: almost always the next one's type too, and comparing is cheaper than looking it up.
    var lastHandled: EventType?

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
            var delivery = exception.delivery
            delivery.wasBlocked = exception.state == .blocked
            return delivery
        }
        guard let logged, sequence >= start, types.contains(logged.envelope.type), deadLetters[sequence] == nil,
            cursor.claim(sequence)
        else { return nil }
        return ClaimedDelivery(sequence: sequence, box: logged)
    }

    /// Whether somebody has the delivery in hand.
    func isClaimed(_ sequence: UInt64) -> Bool {
        exceptions[sequence]?.isClaimed ?? cursor.isClaimed(sequence)
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
}

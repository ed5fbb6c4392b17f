public import Foundation

/// The outcomes of many attempts of one subscription, recorded in one commit.
public struct SettlementBatch: Sendable {
    public var subscription: String
    /// The sequences of those that are done and need nothing kept: the way of almost all.
    public var delivered: [UInt64]
    /// All others.
    public var exceptions: [Settlement]
    /// What the handlers of the delivered ones emitted, and the compensations of the dead letters: stored in the same commit,
    /// apart from what stale ones emitted. It takes the storage's reserve.
    public var emitted: [Emitted]

    /// What the handler of a delivery emitted, or what undoes it.
    public struct Emitted: Sendable {
        /// The delivery's sequence: that of a delivered one, or of a dead letter.
        public var by: UInt64
        public var emission: Emission

        public init(by: UInt64, _ emission: Emission) {
            self.by = by
            self.emission = emission
        }
    }

    public init(
        subscription: String, delivered: [UInt64] = [], exceptions: [Settlement] = [], emitted: [Emitted] = []
    ) {
        self.subscription = subscription
        self.delivered = delivered
        self.exceptions = exceptions
        self.emitted = emitted
    }

    public var count: Int { delivered.count + exceptions.count }

    /// What is to be stored once these were refused.
    package func emissions(without stale: [UInt64]) -> [Emission] {
        guard !stale.isEmpty else { return emitted.map(\.emission) }
        let refused = Set(stale)
        return emitted.filter { !refused.contains($0.by) }.map(\.emission)
    }
}

/// The outcome of one delivery that is not simply done.
public struct Settlement: Sendable {
    public var delivery: ClaimedDelivery
    public var outcome: Outcome

    public enum Outcome: Sendable {
        /// Try again at `due`.
        case retrying(due: Date, history: DeliveryHistory)
        /// Wait behind an earlier delivery of the same ordering key.
        case blocked
        /// Wait for a binary that knows the event: it is due at the next ``EventStorage/attach(_:wake:)``.
        case parked(history: DeliveryHistory)
        /// Never try again by itself.
        case deadLettered(DeadLetter)
    }

    public init(delivery: ClaimedDelivery, outcome: Outcome) {
        self.delivery = delivery
        self.outcome = outcome
    }
}

/// What a storage says of a batch it recorded.
public struct SettlementReport: Sendable {
    /// Dead letters that had to make room for newer ones, in a storage that bounds them.
    public var evictedDeadLetters: [DeliveryID]

    /// Deliveries that were settled already, and were left as they are: by a transactional handler that outlived its
    /// deadline, or by another owner.
    public var stale: [UInt64]
    /// Deduplication keys of emitted events that stand for events with another payload: these were not stored.
    public var refusedEmissions: [String]

    public init(
        evictedDeadLetters: [DeliveryID] = [], stale: [UInt64] = [], refusedEmissions: [String] = []
    ) {
        self.evictedDeadLetters = evictedDeadLetters
        self.stale = stale
        self.refusedEmissions = refusedEmissions
    }
}

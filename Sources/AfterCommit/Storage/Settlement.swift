public import Foundation

/// The outcomes of many attempts of one subscription, recorded in one commit.
public struct SettlementBatch: Sendable {
    public var subscription: String
    /// The sequences of those that are done and need nothing kept: the way of almost all.
    public var delivered: [UInt64]
    /// All others.
    public var exceptions: [Settlement]
    /// What the handlers of the delivered ones emitted: stored in the same commit. It takes the storage's reserve.
    public var emitted: [Emission]

    public init(
        subscription: String, delivered: [UInt64] = [], exceptions: [Settlement] = [], emitted: [Emission] = []
    ) {
        self.subscription = subscription
        self.delivered = delivered
        self.exceptions = exceptions
        self.emitted = emitted
    }

    public var count: Int { delivered.count + exceptions.count }
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

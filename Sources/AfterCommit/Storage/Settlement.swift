public import Foundation

/// The outcomes of many attempts of one subscription, recorded in one commit.
public struct SettlementBatch: Sendable {
    public var subscription: String
    /// The sequences of those that are done and need nothing kept: the way of almost all.
    public var delivered: [UInt64]
    /// All others.
    public var exceptions: [Settlement]

    public init(subscription: String, delivered: [UInt64] = [], exceptions: [Settlement] = []) {
        self.subscription = subscription
        self.delivered = delivered
        self.exceptions = exceptions
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

    public init(evictedDeadLetters: [DeliveryID] = []) {
        self.evictedDeadLetters = evictedDeadLetters
    }
}

public import Foundation

/// Where a delivery stands.
public enum DeliveryState: String, Sendable, Hashable, Codable, CaseIterable {
    /// Not settled: waiting, parked or being tried for the first time.
    case pending
    /// Failed or snoozed, and due again.
    case retrying
    /// Waiting behind an earlier delivery of its ordering key.
    case blocked
    /// Waiting for a binary that knows its type or schema version.
    case parked
    /// Handled, and still in the storage's history.
    case delivered
    /// Dead until redriven.
    case deadLettered
}

/// How many deliveries of a subscription are in each state.
public struct DeliveryCounts: Sendable, Hashable {
    public var pending: Int
    public var retrying: Int
    public var blocked: Int
    public var parked: Int
    public var deadLettered: Int
    /// When the oldest event was emitted that is pending; `nil` where none is.
    public var oldestPending: Date?

    public init(
        pending: Int = 0, retrying: Int = 0, blocked: Int = 0, parked: Int = 0, deadLettered: Int = 0,
        oldestPending: Date? = nil
    ) {
        self.pending = pending
        self.retrying = retrying
        self.blocked = blocked
        self.parked = parked
        self.deadLettered = deadLettered
        self.oldestPending = oldestPending
    }
}

/// Which deliveries to list. Conditions left `nil` match all.
public struct DeliveryQuery: Sendable {
    public var subscription: String?
    public var state: DeliveryState?
    public var type: EventType?
    /// The business key: the event's ordering key.
    public var orderingKey: String?
    public var eventID: EventID?
    /// The page begins after this sequence.
    public var after: UInt64?
    /// The page ends with the event that reaches this many; an event's deliveries are never split. Default 100.
    public var limit: Int

    public init(
        subscription: String? = nil, state: DeliveryState? = nil, type: EventType? = nil,
        orderingKey: String? = nil, eventID: EventID? = nil, after: UInt64? = nil, limit: Int = 100
    ) {
        self.subscription = subscription
        self.state = state
        self.type = type
        self.orderingKey = orderingKey
        self.eventID = eventID
        self.after = after
        self.limit = limit
    }

    /// Whether an event's own attributes match; its state is the storage's to tell.
    package func matches(_ envelope: Envelope) -> Bool {
        if let eventID, envelope.id != eventID { return false }
        if let type, envelope.type != type { return false }
        if let orderingKey, envelope.orderingKey != orderingKey { return false }
        return true
    }
}

/// A delivery as a storage lists it.
public struct DeliveryRecord: Sendable {
    public var id: DeliveryID
    public var envelope: Envelope
    public var state: DeliveryState
    /// When it is due again, for a retrying one.
    public var due: Date?
    public var history: DeliveryHistory

    public init(
        id: DeliveryID, envelope: Envelope, state: DeliveryState, due: Date? = nil,
        history: DeliveryHistory = DeliveryHistory()
    ) {
        self.id = id
        self.envelope = envelope
        self.state = state
        self.due = due
        self.history = history
    }
}

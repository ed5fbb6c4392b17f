public import Foundation

/// Which dead letters to list or to redrive. Conditions left `nil` match all.
public struct DeadLetterQuery: Sendable {
    public var subscription: String?
    public var type: EventType?
    public var reason: DeadLetter.Reason?
    /// The last failure's error type.
    public var errorType: String?
    /// Those that died alike, see ``DeadLetter/fingerprint``.
    public var fingerprint: String?
    /// The business key: the event's ordering key.
    public var orderingKey: String?
    /// Dead since this moment or later.
    public var since: Date?
    /// Dead at this moment already: what dies later does not match.
    public var asOf: Date?
    /// The page begins after this one.
    public var after: DeliveryID?
    /// At most this many. Default 100.
    public var limit: Int

    public init(
        subscription: String? = nil, type: EventType? = nil, reason: DeadLetter.Reason? = nil,
        errorType: String? = nil, fingerprint: String? = nil, orderingKey: String? = nil, since: Date? = nil,
        asOf: Date? = nil, after: DeliveryID? = nil, limit: Int = 100
    ) {
        self.subscription = subscription
        self.type = type
        self.reason = reason
        self.errorType = errorType
        self.fingerprint = fingerprint
        self.orderingKey = orderingKey
        self.since = since
        self.asOf = asOf
        self.after = after
        self.limit = limit
    }

    /// Whether a dead letter meets the conditions, wherever the page begins.
    package func matches(_ letter: DeadLetter) -> Bool {
        if let subscription, letter.id.subscription != subscription { return false }
        if let type, letter.envelope.type != type { return false }
        if let reason, letter.reason != reason { return false }
        if let errorType, letter.history.failures.last?.errorType != errorType { return false }
        if let fingerprint, letter.fingerprint != fingerprint { return false }
        if let orderingKey, letter.envelope.orderingKey != orderingKey { return false }
        if let since, letter.deadSince < since { return false }
        if let asOf, letter.deadSince > asOf { return false }
        return true
    }
}

/// How a subscription stands.
public struct SubscriptionStatus: Sendable {
    public var name: String
    public var endpoint: String
    /// Deliveries in the storage, by state.
    public var counts: DeliveryCounts
    /// Attempts under way.
    public var running: Int
    public var breaker: BreakerState
    /// Why deliveries wait although they could be tried, if they do.
    public var parked: ParkReason?
    /// What happened since the engine started.
    public var totals: DeliveryTotals
}

/// Where an endpoint's circuit breaker stands.
public enum BreakerState: String, Sendable, Hashable, Codable {
    case closed
    case open
    case halfOpen
}

/// Why a subscription waits without spending attempts.
public enum ParkReason: String, Sendable, Hashable, Codable, CaseIterable {
    case breakerOpen
    case bulkheadFull
    case rateLimited
    /// The endpoint has just come back: attempts grow from one at a time.
    case slowStart
    /// An operator paused it or its endpoint.
    case paused
    /// Too many handlers outlived their deadline and still run.
    case tooManyAbandonedAttempts
    /// Too many deliveries wait behind others of their ordering key.
    case tooManyBlocked
    /// A storage has no room for what a handler writes.
    case storageFull
    /// The event's type or schema version is not known to this binary.
    case unknownType
}

/// Counts of a subscription since its engine started.
public struct DeliveryTotals: Sendable, Hashable {
    public var delivered = 0
    public var discarded = 0
    public var deadLettered = 0
    /// Compensations of dead letters that were emitted, those of redriven events included that are stored once.
    public var compensated = 0
    /// Called off by a person.
    public var cancelled = 0
    /// Attempts that began.
    public var attempts = 0
    /// Attempts that failed, half-open probes included.
    public var failedAttempts = 0
    /// Retries that were scheduled, snoozes included.
    public var retries = 0
    /// Attempts that outlived their deadline.
    public var overstayed = 0
    /// Late results that were refused.
    public var refusedResults = 0
    /// Outcomes that came too late: their delivery was settled already.
    public var staleSettles = 0
    /// Deliveries that another process got, because this one did not renew its leases in time.
    public var lostLeases = 0
    /// Dead letters that fell out of a bounded storage.
    public var evictedDeadLetters = 0
    /// How often the endpoint's breaker opened.
    public var breakerOpened = 0

    public init() {}
}

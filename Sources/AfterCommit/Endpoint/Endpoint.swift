/// What a handler talks to: it owns the circuit breaker, the bulkhead and the rate limit.
///
/// Subscriptions with endpoints of the same name share one; their configurations must be equal.
public struct Endpoint: Sendable, Hashable {
    public let name: String
    /// The circuit breaker, or `nil` for none. Default: one with the standard values.
    public var breaker: CircuitBreakerConfiguration?
    /// The bulkhead: how many attempts run at once over all subscriptions, or `nil` for no limit. Default `nil`.
    public var maxConcurrent: Int?
    /// How many attempts may start in a time, or `nil` for no limit. Default `nil`.
    public var rateLimit: RateLimit?

    public init(
        _ name: String,
        breaker: CircuitBreakerConfiguration? = CircuitBreakerConfiguration(),
        maxConcurrent: Int? = nil,
        rateLimit: RateLimit? = nil
    ) {
        self.name = name
        self.breaker = breaker
        self.maxConcurrent = maxConcurrent
        self.rateLimit = rateLimit
    }
}

/// When a circuit breaker opens, and for how long.
public struct CircuitBreakerConfiguration: Sendable, Hashable {
    /// The share of failures among the last calls at which it opens. Default 0.5.
    public var failureRate: Double
    /// How many of the last calls count. Default 50.
    public var window: Int
    /// How many calls there must be before the rate may open it. Default 20.
    public var minimumCalls: Int
    /// How many failures one after another open it, whatever the rate. Default 10.
    public var consecutiveFailures: Int
    /// How long it stays open before one delivery probes the endpoint. Default 5 s.
    public var openDuration: Duration

    public init(
        failureRate: Double = 0.5, window: Int = 50, minimumCalls: Int = 20,
        consecutiveFailures: Int = 10, openDuration: Duration = .seconds(5)
    ) {
        self.failureRate = failureRate
        self.window = window
        self.minimumCalls = minimumCalls
        self.consecutiveFailures = consecutiveFailures
        self.openDuration = openDuration
    }
}

/// A token bucket: `count` attempts for each `interval`, and as many at once.
public struct RateLimit: Sendable, Hashable {
    public var count: Int
    public var interval: Duration

    public init(_ count: Int, per interval: Duration) {
        self.count = count
        self.interval = interval
    }
}

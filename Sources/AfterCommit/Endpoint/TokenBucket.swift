/// The rate limit's decisions: a bucket that refills steadily up to its count.
package struct TokenBucket: Sendable {
    private let limit: RateLimit
    private var tokens: Double
    private var refilledAt: Duration

    package init(_ limit: RateLimit, now: Duration) {
        self.limit = limit
        tokens = Double(limit.count)
        refilledAt = now
    }

    /// Whether a token is there; if not, when the next one will be.
    package mutating func availability(now: Duration) -> Duration? {
        let elapsed = max(.zero, now - refilledAt)
        refilledAt = max(refilledAt, now)
        tokens = min(Double(limit.count), tokens + Double(limit.count) * (elapsed / limit.interval))
        // A refill that falls short of a whole token by rounding would otherwise be waited for in vain.
        if tokens >= 1 - 1e-9 { return nil }
        return now + limit.interval * ((1 - tokens) / Double(limit.count))
    }

    package mutating func take() {
        tokens = max(0, tokens - 1)
    }
}

#if Configuration
public import AfterCommit
public import Configuration

extension DeliveryPolicy {
    /// Reads a policy; what is absent is as in `base`.
    ///
    /// Keys: `maxRetries`, `timeout`, `budget`, `concurrency`, `maxBlocked`; `whenKeyExhausted` (`block` or `skip`);
    /// `backoff.base`, `backoff.factor` (default 2) and `backoff.cap`, or `backoff.constant`: the first two waits are needed
    /// together. Durations are seconds, or texts such as `250ms`, `30s`, `5m`, `24h`.
    ///
    /// ```swift
    /// let policy = try DeliveryPolicy(config.scoped(to: "delivery"), base: .http)
    /// ```
    /// - Throws: ``ConfigurationError`` for a value that is not what its key needs.
    public init(_ config: ConfigReader, base: DeliveryPolicy = .standard) throws(ConfigurationError) {
        let settings = Settings(config)
        self = base
        maxRetries = try settings.int("maxRetries", orElse: base.maxRetries)
        timeout = try settings.duration("timeout", orElse: base.timeout)
        budget = try settings.duration("budget", orElse: base.budget)
        concurrency = try settings.int("concurrency", orElse: base.concurrency)
        maxBlocked = try settings.int("maxBlocked", orElse: base.maxBlocked)
        whenKeyExhausted =
            try settings.choice("whenKeyExhausted", ["block": .block, "skip": .skip]) ?? base.whenKeyExhausted
        backoff = try settings.backoff() ?? base.backoff
    }
}

extension Settings {
    /// `nil` where none is set.
    fileprivate func backoff() throws(ConfigurationError) -> Backoff? {
        let constant = try optionalDuration("backoff.constant")
        let first = try optionalDuration("backoff.base")
        let cap = try optionalDuration("backoff.cap")
        let factor = try double("backoff.factor", orElse: 2)
        if let constant {
            guard first == nil, cap == nil else {
                throw ConfigurationError("backoff.constant", expected: "absent beside backoff.base and backoff.cap")
            }
            return .constant(constant)
        }
        switch (first, cap) {
        case (nil, nil): return nil
        case (let first?, let cap?):
            guard factor >= 1, factor.isFinite else {
                throw ConfigurationError("backoff.factor", expected: "a number of at least 1")
            }
            return .exponential(base: first, factor: factor, cap: cap)
        case (nil, _): throw ConfigurationError("backoff.base", expected: "present beside backoff.cap")
        case (_, nil): throw ConfigurationError("backoff.cap", expected: "present beside backoff.base")
        }
    }
}
#endif

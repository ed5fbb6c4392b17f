#if Configuration
public import AfterCommit
public import Configuration

extension Endpoint {
    /// Reads an endpoint; what is absent has its default.
    ///
    /// Keys: `maxConcurrent`; `rateLimit.count` and `rateLimit.interval` (default 1 s); `breaker.enabled` (default true) and
    /// those of `CircuitBreakerConfiguration` below `breaker`.
    /// - Throws: ``ConfigurationError`` for a value that is not what its key needs.
    public init(_ name: String, _ config: ConfigReader) throws(ConfigurationError) {
        let settings = Settings(config)
        let hasBreaker = try settings.bool("breaker.enabled", orElse: true)
        let breaker = try CircuitBreakerConfiguration(settings, prefix: "breaker.")
        self.init(
            name, breaker: hasBreaker ? breaker : nil,
            maxConcurrent: try settings.optionalInt("maxConcurrent"), rateLimit: try settings.rateLimit())
    }
}

extension CircuitBreakerConfiguration {
    /// Reads a breaker; what is absent has its default.
    ///
    /// Keys: `failureRate` (above 0, at most 1), `window`, `minimumCalls`, `consecutiveFailures`, `openDuration`.
    /// - Throws: ``ConfigurationError`` for a value that is not what its key needs.
    public init(_ config: ConfigReader) throws(ConfigurationError) {
        try self.init(Settings(config), prefix: "")
    }

    fileprivate init(_ settings: Settings, prefix: String) throws(ConfigurationError) {
        self.init()
        failureRate = try settings.double(prefix + "failureRate", orElse: failureRate)
        window = try settings.int(prefix + "window", orElse: window)
        minimumCalls = try settings.int(prefix + "minimumCalls", orElse: minimumCalls)
        consecutiveFailures = try settings.int(prefix + "consecutiveFailures", orElse: consecutiveFailures)
        openDuration = try settings.duration(prefix + "openDuration", orElse: openDuration)
    }
}

extension Settings {
    fileprivate func rateLimit() throws(ConfigurationError) -> RateLimit? {
        let interval = try optionalDuration("rateLimit.interval")
        guard let count = try optionalInt("rateLimit.count") else {
            guard interval == nil else {
                throw ConfigurationError("rateLimit.count", expected: "present beside rateLimit.interval")
            }
            return nil
        }
        return RateLimit(count, per: interval ?? .seconds(1))
    }
}
#endif

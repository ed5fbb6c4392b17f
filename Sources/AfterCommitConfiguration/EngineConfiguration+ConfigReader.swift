#if Configuration
public import AfterCommit
public import Configuration

extension EngineConfiguration {
    /// Reads an engine's limits; what is absent has its default. Interceptors, metrics and tracer are set in code.
    ///
    /// Keys: `shutdownGracePeriod`, `maxInFlight`, `metricsInterval`. Durations are seconds, or texts such as `250ms`, `30s`.
    /// - Throws: ``ConfigurationError`` for a value that is not what its key needs.
    public init(_ config: ConfigReader) throws(ConfigurationError) {
        let settings = Settings(config)
        self.init()
        shutdownGracePeriod = try settings.duration("shutdownGracePeriod", orElse: shutdownGracePeriod)
        maxInFlight = try settings.int("maxInFlight", orElse: maxInFlight)
        metricsInterval = try settings.duration("metricsInterval", orElse: metricsInterval)
    }
}
#endif

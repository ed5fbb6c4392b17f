public import Metrics
public import Tracing

/// How an engine behaves as a whole.
public struct EngineConfiguration: Sendable {
    /// How long a graceful shutdown waits for running attempts before it lets them go. Default 30 s.
    /// Keep it shorter than the service group's own maximum.
    public var shutdownGracePeriod: Duration
    /// How many deliveries a subscription may hold: claimed, running or not yet settled. Default 1,024.
    public var maxInFlight: Int
    /// Wrap every attempt; the first is the outermost. Default none.
    public var interceptors: [any AttemptInterceptor]
    /// Makes the metrics. Default: the system's, as it is when this value is made, so bootstrap it before.
    /// With the system's no-op factory nothing is measured.
    public var metrics: any MetricsFactory
    /// How often the gauges are set while the engine runs, and committed events counted. Default 15 s; zero: never.
    public var metricsInterval: Duration
    /// Makes the spans of attempts and settlements. Default `nil`: the system's, as it is when the engine is made.
    public var tracer: (any Tracer)?
    /// At which levels it logs what befalls deliveries.
    public var logLevels: LogLevels

    public init(
        shutdownGracePeriod: Duration = .seconds(30), maxInFlight: Int = 1024,
        interceptors: [any AttemptInterceptor] = [], metrics: any MetricsFactory = MetricsSystem.factory,
        metricsInterval: Duration = .seconds(15), tracer: (any Tracer)? = nil, logLevels: LogLevels = LogLevels()
    ) {
        self.metrics = metrics
        self.metricsInterval = metricsInterval
        self.tracer = tracer
        self.logLevels = logLevels
        self.shutdownGracePeriod = shutdownGracePeriod
        self.maxInFlight = maxInFlight
        self.interceptors = interceptors
    }
}

/// How an engine behaves as a whole.
public struct EngineConfiguration: Sendable {
    /// How long a graceful shutdown waits for running attempts before it lets them go. Default 30 s.
    /// Keep it shorter than the service group's own maximum.
    public var shutdownGracePeriod: Duration
    /// How many deliveries a subscription may hold: claimed, running or not yet settled. Default 1,024.
    public var maxInFlight: Int
    /// Wrap every attempt; the first is the outermost. Default none.
    public var interceptors: [any AttemptInterceptor]

    public init(
        shutdownGracePeriod: Duration = .seconds(30), maxInFlight: Int = 1024,
        interceptors: [any AttemptInterceptor] = []
    ) {
        self.shutdownGracePeriod = shutdownGracePeriod
        self.maxInFlight = maxInFlight
        self.interceptors = interceptors
    }
}

public import Logging

/// At which levels an engine logs what befalls deliveries.
public struct LogLevels: Sendable, Hashable {
    /// An attempt failed. Default notice.
    public var attemptFailed: Logger.Level
    /// A failed delivery will be tried again. Default debug.
    public var retryScheduled: Logger.Level
    /// A delivery is dead until a person redrives it. Default error.
    public var deadLettered: Logger.Level
    /// A circuit breaker opened, closed or lets a probe through. Default warning.
    public var breakerChanged: Logger.Level
    /// A delivery waits for a binary that knows its event. Default warning.
    public var parked: Logger.Level

    public init(
        attemptFailed: Logger.Level = .notice, retryScheduled: Logger.Level = .debug,
        deadLettered: Logger.Level = .error, breakerChanged: Logger.Level = .warning,
        parked: Logger.Level = .warning
    ) {
        self.attemptFailed = attemptFailed
        self.retryScheduled = retryScheduled
        self.deadLettered = deadLettered
        self.breakerChanged = breakerChanged
        self.parked = parked
    }
}

import Logging
import Metrics

/// What a consumer tells its operator, and counts.
struct ConsumerLog: Sendable {
    private let logger: Logger
    private let messages: [(outcome: Counter, value: any KeyPath<ConsumerTotals, Int> & Sendable)]
    private var reported = ConsumerTotals()
    /// Whether the broker was away at the last try.
    private var isAway = false
    /// Whether the storage refused at the last try.
    private var isHeldUp = false

    init(consumer: String, source: String, logger: Logger, metrics: any MetricsFactory) {
        var logger = logger
        logger[metadataKey: LogKey.consumer] = "\(consumer)"
        logger[metadataKey: LogKey.source] = "\(source)"
        self.logger = logger
        func counter(_ outcome: String) -> Counter {
            Counter(
                label: MetricName.consumerMessages,
                dimensions: [(MetricLabel.consumer, consumer), (MetricLabel.outcome, outcome)], factory: metrics)
        }
        messages =
            metrics is NOOPMetricsHandler
            ? []
            : [
                (counter("taken"), \.taken), (counter("duplicate"), \.duplicates),
                (counter("unreadable"), \.unreadable), (counter("rejected"), \.rejected),
            ]
    }

    mutating func count(_ totals: ConsumerTotals) {
        for (counter, value) in messages {
            let increment = totals[keyPath: value] - reported[keyPath: value]
            if increment > 0 { counter.increment(by: increment) }
        }
        reported = totals
    }

    /// Once for each time that it goes away, however often it is tried.
    mutating func sourceIsAway(_ error: any Error) {
        if !isAway {
            logger.warning("the source cannot be reached; it is tried again", metadata: Self.metadata(of: error))
        }
        isAway = true
    }

    mutating func sourceIsThere() {
        if isAway { logger.notice("the source is back") }
        isAway = false
    }

    mutating func storageRefused(_ error: any Error) {
        if !isHeldUp {
            logger.warning(
                "received events cannot be stored; they are kept and tried again", metadata: Self.metadata(of: error))
        }
        isHeldUp = true
    }

    mutating func storageTook() {
        if isHeldUp { logger.notice("received events are stored again") }
        isHeldUp = false
    }

    func unreadable(_ error: any Error) {
        logger.notice("a message is no event that can be taken", metadata: Self.metadata(of: error))
    }

    func attemptFailed(_ error: any Error, event: EventID) {
        var metadata = Self.metadata(of: error)
        metadata[LogKey.eventID] = "\(event)"
        logger.notice("attempt failed", metadata: metadata)
    }

    /// It is the broker's dead letter now.
    func rejected(_ reason: String) {
        logger.error("a message was rejected", metadata: [LogKey.reason: "\(DeliveryLog.oneLine(reason))"])
    }

    /// What was not settled comes again, and is known then.
    func settlingFailed(_ error: any Error, count: Int) {
        var metadata = Self.metadata(of: error)
        metadata[LogKey.count] = "\(count)"
        logger.notice("the source could not be told what became of messages", metadata: metadata)
    }

    private static func metadata(of error: any Error) -> Logger.Metadata {
        [
            LogKey.errorType: "\(DeliveryLog.oneLine(AttemptResult.Failure.errorType(of: error)))",
            LogKey.error: "\(DeliveryLog.oneLine(String(String(describing: error).prefix(500))))",
        ]
    }
}

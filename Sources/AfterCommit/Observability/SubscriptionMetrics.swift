import Metrics

/// What a worker counts. Totals are added once for each of its turns, so that attempts pay nothing for them.
struct SubscriptionMetrics: Sendable {
    /// One duration for each attempt, recorded where it runs.
    let attempts: OperationDurations
    private let settlements: OperationDurations
    private let factory: any MetricsFactory
    private let labels: [(String, String)]
    private let endpointLabels: [(String, String)]
    private let timeout: Duration
    private let totals: [(counter: Counter, value: any KeyPath<DeliveryTotals, Int> & Sendable)]
    private var reported: DeliveryTotals
    private var deadLetters: [DeadLetter.Reason: Counter] = [:]
    private let breakerOpened: Counter
    private let breakerState: Meter

    /// `nil` where nobody reads metrics.
    init?(_ factory: any MetricsFactory, subscription: Subscription, totals reported: DeliveryTotals) {
        guard !(factory is NOOPMetricsHandler) else { return nil }
        self.factory = factory
        self.reported = reported
        timeout = subscription.policy.timeout
        let labels = [(MetricLabel.subscription, subscription.name)]
        self.labels = labels
        endpointLabels = [(MetricLabel.endpoint, subscription.endpoint.name)]
        let attemptLabels = Self.messaging("process", subscription)
        attempts = OperationDurations(
            MetricName.processDuration, labels: attemptLabels + endpointLabels, factory: factory)
        settlements = OperationDurations(
            MetricName.operationDuration, labels: Self.messaging("settle", subscription), factory: factory)
        func counter(_ name: String, _ more: [(String, String)] = []) -> Counter {
            Counter(label: name, dimensions: labels + more, factory: factory)
        }
        totals = [
            (Counter(label: MetricName.consumed, dimensions: attemptLabels, factory: factory), \.attempts),
            (counter(MetricName.ended, [(MetricLabel.outcome, "delivered")]), \.delivered),
            (counter(MetricName.ended, [(MetricLabel.outcome, "discarded")]), \.discarded),
            (counter(MetricName.compensated), \.compensated),
            (counter(MetricName.retries), \.retries),
            (counter(MetricName.failed), \.failedAttempts),
            (counter(MetricName.overstayed), \.overstayed),
            (counter(MetricName.staleSettles), \.staleSettles),
            (counter(MetricName.lostLeases), \.lostLeases),
            (counter(MetricName.deadLettersEvicted), \.evictedDeadLetters),
        ]
        breakerOpened = Counter(label: MetricName.breakerOpened, dimensions: endpointLabels, factory: factory)
        breakerState = Meter(label: MetricName.breakerState, dimensions: endpointLabels, factory: factory)
    }

    /// OpenTelemetry's labels. The destination is what the subscription was declared with, a type's name or patterns:
    /// as many values as the code has subscriptions, whatever types are emitted.
    private static func messaging(_ operation: String, _ subscription: Subscription) -> [(String, String)] {
        [
            (TraceAttribute.system, TraceAttribute.systemName),
            (TraceAttribute.operationName, operation),
            (TraceAttribute.destination, subscription.types.patterns.map(\.rawValue).sorted().joined(separator: ",")),
            (TraceAttribute.subscription, subscription.name),
        ]
    }

    /// Adds what has happened since the last report.
    mutating func report(_ now: DeliveryTotals) {
        guard now != reported else { return }
        for (counter, value) in totals {
            let added = now[keyPath: value] - reported[keyPath: value]
            if added > 0 { counter.increment(by: added) }
        }
        reported = now
    }

    /// Records attempts that ended without their handler: overdue, or called off by a person.
    func cutOff(_ ended: [EndedAttempt]) {
        for attempt in ended {
            switch attempt.result {
            case .cancelled where attempt.duration > .zero:
                attempts.record(attempt.duration, errorType: attempt.result.errorType)
            case .failed(let failure, _) where failure == .timedOut(after: timeout):
                attempts.record(attempt.duration, errorType: failure.errorType)
            default: break
            }
        }
    }

    mutating func deadLettered(_ reason: DeadLetter.Reason) {
        let counter =
            deadLetters[reason]
            ?? Counter(
                label: MetricName.deadLetters, dimensions: labels + [(MetricLabel.reason, reason.rawValue)],
                factory: factory)
        deadLetters[reason] = counter
        counter.increment()
    }

    func breakerChanged(_ change: EndpointGate.Change) {
        if change.to == .open { breakerOpened.increment() }
        breakerState.set(change.to.metricValue)
    }

    func settled(_ duration: Duration, error: (any Error)?) {
        settlements.record(duration, errorType: error.map(AttemptResult.Failure.errorType(of:)))
    }
}

extension BreakerState {
    /// What the gauge shows.
    var metricValue: Int {
        switch self {
        case .closed: 0
        case .halfOpen: 1
        case .open: 2
        }
    }
}

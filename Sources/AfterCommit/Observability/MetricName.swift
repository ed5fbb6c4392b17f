/// The names of all metrics: OpenTelemetry's for messaging (semantic conventions, in development), and our own.
package enum MetricName {
    // MARK: OpenTelemetry

    /// Counter: events that were committed, whoever emitted them. Counted in the storage at each sample.
    package static let sent = "messaging.client.sent.messages"
    /// Counter: events that were handed to handlers, each attempt counted.
    package static let consumed = "messaging.client.consumed.messages"
    /// Timer: how long settlements took.
    package static let operationDuration = "messaging.client.operation.duration"
    /// Timer: how long attempts took.
    package static let processDuration = "messaging.process.duration"

    // MARK: Our own

    /// Gauge: deliveries by state.
    package static let deliveries = "aftercommit.deliveries"
    /// Gauge: seconds since the oldest pending event was emitted, 0 where none is pending.
    package static let oldestPendingAge = "aftercommit.oldest_pending.age"
    /// Gauge: attempts under way.
    package static let running = "aftercommit.attempts.running"
    /// Gauge: deliveries that wait without spending attempts, by reason.
    package static let parked = "aftercommit.parked"
    /// Gauge: 0 closed, 1 half open, 2 open.
    package static let breakerState = "aftercommit.breaker.state"
    /// Counter: how often a breaker opened.
    package static let breakerOpened = "aftercommit.breaker.opened"
    /// Counter: deliveries that are over without a dead letter, by outcome: delivered or discarded.
    package static let ended = "aftercommit.deliveries.ended"
    /// Counter: dead letters, by reason.
    package static let deadLetters = "aftercommit.dead_letters"
    /// Counter: compensations of dead letters that were emitted.
    package static let compensated = "aftercommit.compensated"
    /// Counter: dead letters that a bounded storage lost.
    package static let deadLettersEvicted = "aftercommit.dead_letters.evicted"
    /// Counter: retries that were scheduled, snoozes included.
    package static let retries = "aftercommit.retries"
    /// Counter: attempts that failed.
    package static let failed = "aftercommit.attempts.failed"
    /// Counter: attempts that outlived their deadline.
    package static let overstayed = "aftercommit.attempts.overstayed"
    /// Counter: outcomes that came too late: their delivery was settled already.
    package static let staleSettles = "aftercommit.settle.stale"
    /// Counter: deliveries in hand that became another process's, because their leases were not renewed in time.
    package static let lostLeases = "aftercommit.lease.lost"
    /// Counter: deliveries that were made claimable again, because the leases of those who had claimed them ran out.
    package static let leaseReclaims = "aftercommit.lease.reclaims"
    /// Counter: messages that a consumer took from its source, by outcome: taken, duplicate, unreadable or rejected.
    package static let consumerMessages = "aftercommit.consumer.messages"
}

/// The labels of metrics. Each metric has the same ones always, as Prometheus demands; where there is no error,
/// ``errorType`` is empty, which Prometheus reads as absent. Ids are never labels.
package enum MetricLabel {
    package static let subscription = "subscription"
    package static let endpoint = "endpoint"
    package static let consumer = "consumer"
    package static let state = "state"
    package static let reason = "reason"
    package static let outcome = "outcome"
    package static let errorType = "error.type"
    /// What OpenTelemetry calls all values beyond a bound.
    package static let other = "_OTHER"
}

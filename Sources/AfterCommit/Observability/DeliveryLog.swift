import Foundation
package import Logging

/// Every line a worker logs: constant messages, structured metadata, never a payload.
package struct DeliveryLog: Sendable {
    package let logger: Logger
    private let maxAttempts: Int
    /// RFC 3339, in UTC and with its Z, which `Date.ISO8601Format` leaves out beside fractions.
    private static let dates = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    private let levels: LogLevels

    init(logger: Logger, subscription: Subscription, storage: String, levels: LogLevels) {
        self.levels = levels
        var logger = logger
        logger[metadataKey: LogKey.subscription] = "\(subscription.name)"
        logger[metadataKey: LogKey.endpoint] = "\(subscription.endpoint.name)"
        logger[metadataKey: LogKey.storage] = "\(storage)"
        self.logger = logger
        maxAttempts = subscription.policy.maxAttempts
    }

    func attemptFailed(_ ended: EndedAttempt, _ failure: AttemptResult.Failure) {
        var metadata = metadata(of: ended)
        metadata[LogKey.errorType] = "\(Self.oneLine(failure.errorType))"
        metadata[LogKey.error] = "\(Self.oneLine(failure.message))"
        if let status = failure.status { metadata[LogKey.errorStatus] = "\(status)" }
        logger.log(level: levels.attemptFailed, "attempt failed", metadata: metadata)
    }

    func retryScheduled(_ ended: EndedAttempt, due: Date) {
        // A date's text is dear, and this level is off as a rule.
        guard logger.logLevel <= levels.retryScheduled else { return }
        logger.log(
            level: levels.retryScheduled, "retry scheduled",
            metadata: metadata(of: ended).merging(
                [LogKey.due: "\(due.formatted(Self.dates))"]) { $1 }
        )
    }

    func parkedUnknown(_ ended: EndedAttempt, _ failure: AttemptResult.Failure) {
        logger.log(
            level: levels.parked, "delivery parked until a binary knows its event",
            metadata: metadata(of: ended).merging([LogKey.reason: "\(Self.oneLine(failure.message))"]) { $1 })
    }

    func discarded(_ ended: EndedAttempt, reason: String) {
        logger.info(
            "delivery discarded",
            metadata: metadata(of: ended).merging([LogKey.reason: "\(Self.oneLine(reason))"]) { $1 })
    }

    func deadLettered(_ letter: DeadLetter) {
        let isCancelled = letter.reason == .cancelled
        var metadata = metadata(of: letter.envelope, attempt: letter.history.attempts)
        metadata[LogKey.reason] = "\(letter.reason)"
        if let failure = letter.history.failures.last {
            metadata[LogKey.errorType] = "\(Self.oneLine(failure.errorType))"
        }
        logger.log(
            level: isCancelled ? .notice : levels.deadLettered,
            isCancelled ? "delivery cancelled" : "delivery dead-lettered", metadata: metadata)
    }

    func compensated(_ letter: DeadLetter, by compensation: String) {
        var metadata = metadata(of: letter.envelope, attempt: letter.history.attempts)
        metadata[LogKey.reason] = "\(letter.reason)"
        metadata[LogKey.compensation] = "\(compensation)"
        logger.notice("compensation emitted", metadata: metadata)
    }

    func breakerChanged(_ change: EndpointGate.Change, endpoint: String) {
        logger.log(
            level: levels.breakerChanged, "circuit breaker changed",
            metadata: [LogKey.endpoint: "\(endpoint)", LogKey.breaker: "\(change.to.rawValue)"])
    }

    func settlingFailed(_ error: any Error, count: Int) {
        logger.error(
            "settling failed, it will be tried again",
            metadata: [LogKey.count: "\(count)", LogKey.error: "\(Self.oneLine("\(error)"))"])
    }

    func triesAlone(_ delivery: ClaimedDelivery, deaths: Int) {
        logger.warning(
            "a delivery that was in flight when a process died is tried alone",
            metadata: [
                LogKey.eventID: "\(delivery.envelope.id)",
                LogKey.eventType: "\(Self.oneLine(delivery.envelope.type.rawValue))",
                LogKey.deaths: "\(deaths)",
            ])
    }

    func damaged(_ delivery: ClaimedDelivery) {
        var metadata = metadata(of: delivery.envelope, attempt: delivery.history?.attempts ?? 0)
        metadata[LogKey.sequence] = "\(delivery.sequence)"
        logger.error(
            "what is stored of a delivery cannot be read; it becomes a dead letter without an attempt",
            metadata: metadata)
    }

    func clockJumped(_ seconds: Double) {
        logger.warning(
            "the wall clock jumped; due dates shift with it, nothing is lost",
            metadata: [LogKey.seconds: "\(Int(seconds.rounded()))"])
    }

    func endpointPaused(_ endpoint: String) {
        logger.warning(
            "the receiver is gone; its endpoint is paused until it is resumed",
            metadata: [LogKey.endpoint: "\(endpoint)"])
    }

    func staleSettles(_ count: Int) {
        logger.notice("outcomes came too late and were refused", metadata: [LogKey.count: "\(count)"])
    }

    func leasesLost(_ count: Int) {
        logger.warning(
            "leases were not renewed in time; the deliveries are another process's now",
            metadata: [LogKey.count: "\(count)"])
    }

    func emissionsRefused(_ keys: [String]) {
        logger.error(
            "a handler emitted another event under a deduplication key that is taken; it was not stored",
            metadata: [LogKey.count: "\(keys.count)"])
    }

    func findsNoRoom(_ failure: AttemptResult.Failure) {
        logger.log(
            level: levels.parked,
            "a storage has no room for what the handler writes; it is tried again, nothing charged",
            metadata: [LogKey.error: "\(Self.oneLine(failure.message))"])
    }

    func claimingFailed(_ error: any Error) {
        logger.error(
            "claiming failed, it will be tried again",
            metadata: [LogKey.error: "\(Self.oneLine("\(error)"))"])
    }

    func deadLettersEvicted(_ count: Int) {
        logger.error("dead letters fell out of a full storage", metadata: [LogKey.count: "\(count)"])
    }

    func attemptsOverstayed(_ count: Int) {
        logger.warning(
            "attempts outlived their deadline and still run; a handler blocks its thread or ignores cancellation",
            metadata: [LogKey.count: "\(count)"])
    }

    func attemptsAbandoned(_ count: Int) {
        logger.warning(
            "attempts outlived the shutdown's grace period and were released",
            metadata: [LogKey.count: "\(count)"])
    }

    func outcomesLost(_ count: Int) {
        logger.error(
            "outcomes could not be settled before the shutdown; their events will be delivered again",
            metadata: [LogKey.count: "\(count)"])
    }

    private func metadata(of ended: EndedAttempt) -> Logger.Metadata {
        metadata(of: ended.delivery.envelope, attempt: (ended.delivery.history?.attempts ?? 0) + 1)
    }

    private func metadata(of envelope: Envelope, attempt: Int) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            LogKey.eventID: "\(envelope.id)",
            LogKey.eventType: "\(Self.oneLine(envelope.type.rawValue))",
            LogKey.attempt: "\(attempt)",
            LogKey.maxAttempts: "\(maxAttempts)",
        ]
        if let key = envelope.orderingKey { metadata[LogKey.orderingKey] = "\(Self.oneLine(key))" }
        return metadata
    }

    /// One event is one line, and reads as it is: control characters, line separators and what turns the direction of
    /// text are escaped.
    package static func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isEscaped) else { return text }
        return text.unicodeScalars.map { scalar in
            isEscaped(scalar) ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
        }.joined()
    }

    private static func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}

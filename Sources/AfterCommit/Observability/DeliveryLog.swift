import Foundation
package import Logging

/// Every line a worker logs: constant messages, structured metadata, never a payload.
package struct DeliveryLog: Sendable {
    package let logger: Logger
    private let maxAttempts: Int

    init(logger: Logger, subscription: Subscription, storage: String) {
        var logger = logger
        logger[metadataKey: LogKey.subscription] = "\(subscription.name)"
        logger[metadataKey: LogKey.storage] = "\(storage)"
        self.logger = logger
        maxAttempts = subscription.policy.maxAttempts
    }

    func attemptFailed(_ ended: EndedAttempt, _ failure: AttemptResult.Failure) {
        var metadata = metadata(of: ended)
        metadata[LogKey.errorType] = "\(Self.oneLine(failure.errorType))"
        metadata[LogKey.error] = "\(Self.oneLine(failure.message))"
        if let status = failure.status { metadata[LogKey.errorStatus] = "\(status)" }
        logger.notice("attempt failed", metadata: metadata)
    }

    func retryScheduled(_ ended: EndedAttempt, due: Date) {
        logger.debug(
            "retry scheduled",
            metadata: metadata(of: ended).merging(
                [LogKey.due: "\(due.ISO8601Format(.iso8601(timeZone: .gmt, includingFractionalSeconds: true)))"]) { $1 }
        )
    }

    func parkedUnknown(_ ended: EndedAttempt, _ failure: AttemptResult.Failure) {
        logger.warning(
            "delivery parked until a binary knows its event",
            metadata: metadata(of: ended).merging([LogKey.reason: "\(Self.oneLine(failure.message))"]) { $1 })
    }

    func discarded(_ ended: EndedAttempt, reason: String) {
        logger.info(
            "delivery discarded",
            metadata: metadata(of: ended).merging([LogKey.reason: "\(Self.oneLine(reason))"]) { $1 })
    }

    func deadLettered(_ letter: DeadLetter) {
        let isCancelled = letter.reason == .cancelled
        logger.log(
            level: isCancelled ? .notice : .error,
            isCancelled ? "delivery cancelled" : "delivery dead-lettered",
            metadata: [
                LogKey.eventID: "\(letter.envelope.id)",
                LogKey.eventType: "\(Self.oneLine(letter.envelope.type.rawValue))",
                LogKey.reason: "\(letter.reason)",
                LogKey.attempt: "\(letter.history.attempts)",
                LogKey.maxAttempts: "\(maxAttempts)",
                LogKey.errorType: "\(Self.oneLine(letter.history.failures.last?.errorType ?? "-"))",
            ])
    }

    func breakerChanged(_ change: EndpointGate.Change, endpoint: String) {
        logger.warning(
            "circuit breaker changed",
            metadata: [LogKey.endpoint: "\(endpoint)", LogKey.breaker: "\(change.to.rawValue)"])
    }

    func settlingFailed(_ error: any Error, count: Int) {
        logger.error(
            "settling failed, it will be tried again",
            metadata: [LogKey.count: "\(count)", LogKey.error: "\(Self.oneLine("\(error)"))"])
    }

    func staleSettles(_ count: Int) {
        logger.notice("outcomes came too late and were refused", metadata: [LogKey.count: "\(count)"])
    }

    func emissionsRefused(_ keys: [String]) {
        logger.error(
            "a handler emitted another event under a deduplication key that is taken; it was not stored",
            metadata: [LogKey.count: "\(keys.count)"])
    }

    func claimingFailed(_ error: any Error) {
        logger.error(
            "claiming failed, it will be tried again",
            metadata: [LogKey.error: "\(Self.oneLine("\(error)"))"])
    }

    func deadLettersEvicted(_ count: Int) {
        logger.error("dead letters fell out of a full storage", metadata: [LogKey.count: "\(count)"])
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
        let attempts = (ended.delivery.history?.attempts ?? 0) + 1
        return [
            LogKey.eventID: "\(ended.delivery.envelope.id)",
            LogKey.eventType: "\(Self.oneLine(ended.delivery.envelope.type.rawValue))",
            LogKey.attempt: "\(attempts)",
            LogKey.maxAttempts: "\(maxAttempts)",
        ]
    }

    /// One event is one line, and reads as it is: control characters, line separators and what turns the direction of
    /// text are escaped.
    static func oneLine(_ text: String) -> String {
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

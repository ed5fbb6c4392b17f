package import Foundation

/// What becomes of a delivery after an attempt. A pure function of the attempt, the policy and the date.
package enum DeliveryDecision: Sendable {
    case delivered
    /// Delivered, with events to store.
    case emitted([Emission])
    /// Delivered, and settled already.
    case settled
    case discarded(reason: String)
    case retrying(due: Date, history: DeliveryHistory)
    case deadLettered(DeadLetter)
    /// Waits for a binary that knows the event.
    case parked(AttemptResult.Failure, history: DeliveryHistory)
    /// Back in the queue behind the others, nothing charged: a failed probe, or one for which there was no room.
    case requeued
    /// Back to the storage, nothing charged.
    case released
    /// Another process has it: nothing is to be done here.
    case lost

    /// The longest Retry-After that is a retry; a longer one is a wait that costs no attempt.
    package static let longestRetryAfter = Duration.seconds(60)
    /// However long a receiver asks us to wait, we look again after a day.
    package static let longestWait = Duration.seconds(86_400)

    /// The longest snooze: about ten years.
    package static let longestSnooze = Duration.seconds(3650 * 86_400)

    package static func decide(
        _ attempt: EndedAttempt, subscription: String, policy: DeliveryPolicy, now: Date,
        random: inout any RandomNumberGenerator & Sendable
    ) -> Self {
        let history = attempt.delivery.history ?? DeliveryHistory()
        switch attempt.result {
        case .succeeded:
            return .delivered
        case .emitted(let emissions):
            return .emitted(emissions)
        case .settled:
            return .settled
        case .unknown(let failure):
            return .parked(failure, history: history)
        case .cancelled:
            return dead(attempt, .cancelled, history, subscription, policy, now)
        case .crashLooped(let deaths):
            let failure = AttemptResult.Failure(
                errorType: "crashLoop", message: "\(deaths) processes died while this delivery ran alone")
            return dead(attempt, .crashLoop, history.charging(failure, of: attempt), subscription, policy, now)
        case .damaged:
            let failure = AttemptResult.Failure(
                errorType: "damaged", message: "what is stored of the delivery cannot be read; it was not tried")
            return dead(attempt, .malformed, history.charging(failure, of: attempt), subscription, policy, now)
        case .discarded(let reason):
            return .discarded(reason: reason)
        case .gone:
            return .discarded(reason: "what the event tells of was removed, and the event with it")
        case .released:
            return .released
        case .leaseLost:
            return .lost
        case .snoozed(let until):
            let wait = until.timeIntervalSince(now)
            let bounded = wait > 0 ? min(wait, longestSnooze.timeInterval) : 0
            return .retrying(due: now + bounded, history: history)
        case .failed(_, let retryAfter?) where retryAfter > longestRetryAfter:
            let wait = min(retryAfter, longestWait)
            return .retrying(due: now + wait.timeInterval, history: history)
        case .failed where attempt.isProbe, .refusedRoom:
            return .requeued
        case .failed(let failure, let retryAfter):
            var charged = history.charging(failure, of: attempt)
            guard charged.attempts < policy.maxAttempts else {
                return dead(attempt, .exhausted, charged, subscription, policy, now)
            }
            // Only a failure asks: what waited long without being tried is tried before it can expire.
            guard charged.spent < policy.budget.timeInterval else {
                return dead(attempt, .expired, charged, subscription, policy, now)
            }
            let backoff = policy.backoff.delay(beforeRetry: charged.attempts, random: &random)
            let delay = max(backoff, retryAfter ?? .zero)
            charged.spent += delay.timeInterval
            return .retrying(due: now + delay.timeInterval, history: charged)
        case .rejected(let failure):
            let charged = history.charging(failure, of: attempt)
            return dead(attempt, .permanent, charged, subscription, policy, now)
        case .malformed(let failure):
            let charged = history.charging(failure, of: attempt)
            return dead(attempt, .malformed, charged, subscription, policy, now)
        }
    }

    private static func dead(
        _ attempt: EndedAttempt, _ reason: DeadLetter.Reason, _ history: DeliveryHistory,
        _ subscription: String, _ policy: DeliveryPolicy, _ now: Date
    ) -> Self {
        let envelope = attempt.delivery.envelope
        return .deadLettered(
            DeadLetter(
                id: DeliveryID(subscription: subscription, sequence: attempt.delivery.sequence),
                envelope: envelope, reason: reason, history: history, deadSince: now,
                blocksKey: envelope.orderingKey != nil && policy.whenKeyExhausted == .block && reason != .cancelled))
    }
}

extension DeliveryHistory {
    /// One attempt more, with its failure remembered.
    func charging(_ failure: AttemptResult.Failure, of attempt: EndedAttempt) -> Self {
        var history = self
        history.attempts += 1
        history.spent += attempt.duration.timeInterval
        history.failures.append(
            AttemptFailure(
                attempt: history.attempts, startedAt: attempt.startedAt,
                duration: attempt.duration.timeInterval, errorType: failure.errorType,
                message: failure.message, status: failure.status))
        history.failures.removeFirst(max(0, history.failures.count - Self.maxFailures))
        return history
    }
}

extension Duration {
    /// Seconds, for dates.
    package var timeInterval: TimeInterval { self / .seconds(1) }

    /// For calls of C that wait: at least one, rounded down.
    package var wholeMilliseconds: Int64 { max(1, Int64(timeInterval * 1000)) }
}

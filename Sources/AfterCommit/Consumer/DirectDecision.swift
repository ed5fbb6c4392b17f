/// What becomes of a message after an attempt in direct mode. A pure function of the attempt and the policy.
enum DirectDecision: Sendable, Equatable {
    case accepted
    case rejected(reason: String)
    /// Tried again after a delay; the attempt is charged or not.
    case retry(after: Duration, isCharged: Bool)

    /// - Parameters:
    ///   - error: what the handler threw.
    ///   - attempt: the attempt's number, from 1.
    static func decide(
        _ error: any Error, attempt: Int, policy: DeliveryPolicy,
        random: inout any RandomNumberGenerator & Sendable
    ) -> Self {
        if error is StorageError {
            // The inbox is away, or full: the event is not to blame.
            return .retry(after: policy.backoff.delay(beforeRetry: attempt, random: &random), isCharged: false)
        }
        switch AttemptResult(thrown: error, rules: policy.rules) {
        case .succeeded, .emitted, .settled, .discarded, .gone: return .accepted
        case .failed(let failure, let retryAfter):
            guard attempt < policy.maxAttempts else {
                return .rejected(reason: "\(attempt) attempts failed, the last with \(failure.errorType)")
            }
            let backoff = policy.backoff.delay(beforeRetry: attempt, random: &random)
            return .retry(after: max(backoff, retryAfter ?? .zero), isCharged: true)
        case .rejected(let failure): return .rejected(reason: failure.errorType)
        case .malformed: return .rejected(reason: "malformed")
        case .unknown: return .rejected(reason: "unknownType")
        case .snoozed, .refusedRoom, .cancelled, .crashLooped, .damaged, .leaseLost, .released:
            return .retry(after: policy.backoff.delay(beforeRetry: attempt, random: &random), isCharged: false)
        }
    }
}

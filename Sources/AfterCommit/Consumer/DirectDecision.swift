/// What becomes of a message after an attempt in direct mode. A pure function of the attempt and the policy.
enum DirectDecision: Sendable, Equatable {
    case accepted
    case rejected(reason: String)
    /// Tried again after a delay; the attempt is charged or not.
    case retry(after: Duration, isCharged: Bool)

    /// How often something was tried.
    struct Tries: Sendable {
        /// Attempts that are charged.
        var charged = 0
        /// Tries that cost nothing, one after another: they are spaced further and further apart, too.
        var free = 0
    }

    /// What says that the inbox is away, or full, and the event not to blame.
    private static let awayCodes: [StorageError.Code] = [.storageFull, .storeBusy, .unhealthy, .systemFailure]

    /// - Parameters:
    ///   - error: what the handler threw.
    ///   - tries: before this one.
    static func decide(
        _ error: any Error, tries: Tries, policy: DeliveryPolicy,
        random: inout any RandomNumberGenerator & Sendable
    ) -> Self {
        func free() -> Self {
            .retry(after: policy.backoff.delay(beforeRetry: tries.free + 1, random: &random), isCharged: false)
        }
        if let error = error as? StorageError, awayCodes.contains(error.code) { return free() }
        switch AttemptResult(thrown: error, rules: policy.rules) {
        case .succeeded, .emitted, .settled, .discarded, .gone: return .accepted
        case .failed(let failure, let retryAfter):
            let attempt = tries.charged + 1
            guard attempt < policy.maxAttempts else {
                return .rejected(reason: "\(attempt) attempts failed, the last with \(failure.errorType)")
            }
            let backoff = policy.backoff.delay(beforeRetry: attempt, random: &random)
            return .retry(after: max(backoff, retryAfter ?? .zero), isCharged: true)
        case .rejected(let failure): return .rejected(reason: failure.errorType)
        case .malformed: return .rejected(reason: "malformed")
        // A binary of tomorrow knows it, and the broker may give it to that one.
        case .unknown, .snoozed, .refusedRoom, .cancelled, .crashLooped, .damaged, .leaseLost, .released: return free()
        }
    }
}

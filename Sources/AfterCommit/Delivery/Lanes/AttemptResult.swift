package import Foundation

/// How an attempt ended, before anything is decided about its delivery.
package enum AttemptResult: Sendable {
    case succeeded
    /// Succeeded, and emitted events that are stored with the settlement.
    case emitted([Emission])
    /// Succeeded, and settled in the handler's own transaction.
    case settled
    case discarded(reason: String)
    case snoozed(until: Date)
    /// Failed; try again, not before `retryAfter` where it is given.
    case failed(Failure, retryAfter: Duration?)
    /// A storage had no room for what the handler wrote: nothing of it was kept.
    case refusedRoom(Failure)
    /// Failed for good: the handler said so.
    case rejected(Failure)
    /// The stored bytes are not of the event's type.
    case malformed(Failure)
    /// This binary does not know the event's type or version.
    case unknown(Failure)
    /// A person called it off.
    case cancelled
    /// So many processes died while it ran alone.
    case crashLooped(deaths: Int)
    /// What is stored of it cannot be read.
    case damaged
    /// What the event tells of was removed, and the event with it.
    case gone
    /// The storage gave the delivery to another process, because this one did not renew its lease in time.
    case leaseLost
    /// Called off by a shutdown: as if it had never begun.
    case released

    /// What is known of a failure.
    package struct Failure: Sendable, Equatable {
        package var errorType: String
        package var message: String
        package var status: Int?
        /// Whether the receiver wants nothing more.
        package var pausesEndpoint = false

        package init(errorType: String, message: String, status: Int? = nil) {
            self.errorType = String(errorType.prefix(100))
            self.message = String(message.prefix(500))
            self.status = status
        }

        init(_ error: any Error) {
            self.init(
                errorType: Self.errorType(of: error), message: String(describing: error),
                status: (error as? any DeliveryFailureDescribing)?.failureStatus)
            pausesEndpoint = (error as? any EndpointPausing)?.pausesEndpoint ?? false
        }

        /// An attempt that outlived its deadline.
        static func timedOut(after timeout: Duration) -> Self {
            Self(errorType: "timeout", message: "the attempt took longer than \(timeout)")
        }
    }

    /// Reads what a handler threw.
    package init(thrown error: any Error, rules: [ErrorRule] = []) {
        switch error {
        case let outcome as HandlerOutcome:
            self.init(outcome, thrown: nil)
        case let malformed as MalformedPayload:
            self = .malformed(Failure(errorType: "malformed", message: malformed.reason))
        case let unknown as UnknownEvent:
            self = .unknown(Failure(errorType: "unknownType", message: unknown.description))
        default:
            for rule in rules {
                guard let outcome = rule.outcome(error) else { continue }
                self.init(outcome, thrown: error)
                return
            }
            if let error = error as? StorageError, error.code == .storageFull {
                self = .refusedRoom(Failure(error))
                return
            }
            self = .failed(Failure(error), retryAfter: nil)
        }
    }

    private init(_ outcome: HandlerOutcome, thrown error: (any Error)?) {
        switch outcome.kind {
        case .discard(let reason): self = .discarded(reason: reason)
        case .snooze(let date): self = .snoozed(until: date)
        case .permanent(let cause): self = .rejected(Failure(cause))
        case .unknownType(let description):
            self = .unknown(Failure(errorType: "unknownType", message: description))
        case .retry(let delay, let cause):
            self = .failed(
                (cause ?? error).map { Failure($0) }
                    ?? Failure(errorType: "retry", message: "the handler asked for a retry"),
                retryAfter: max(.zero, delay))
        }
    }

    /// What the endpoint learns from it. A refusal of one event shows that the endpoint is up.
    package var endpointReport: EndpointState.Report {
        switch self {
        case .succeeded, .emitted, .settled, .discarded, .snoozed, .rejected: .up
        case .failed: .failed
        case .malformed, .unknown, .cancelled, .crashLooped, .damaged, .gone, .refusedRoom, .leaseLost,
            .released:
            .unknown
        }
    }

    package var failure: Failure? {
        switch self {
        case .failed(let failure, _), .rejected(let failure), .malformed(let failure): failure
        case .succeeded, .emitted, .settled, .discarded, .snoozed, .unknown, .cancelled, .crashLooped, .damaged,
            .gone, .refusedRoom, .leaseLost, .released:
            nil
        }
    }
}

/// An attempt that has ended.
package struct EndedAttempt: Sendable {
    package var delivery: ClaimedDelivery
    package var startedAt: Date
    package var duration: Duration
    package var result: AttemptResult
    /// Whether it probed a half-open breaker.
    package var isProbe: Bool

    package init(
        delivery: ClaimedDelivery, startedAt: Date, duration: Duration, result: AttemptResult,
        isProbe: Bool
    ) {
        self.delivery = delivery
        self.startedAt = startedAt
        self.duration = duration
        self.result = result
        self.isProbe = isProbe
    }
}

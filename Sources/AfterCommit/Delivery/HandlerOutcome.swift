public import Foundation

/// What a handler throws to steer its delivery. Any other error is a failed attempt that is tried again.
///
/// ```swift
/// guard order.isOpen else { throw HandlerOutcome.discard("the order was cancelled") }
/// ```
public struct HandlerOutcome: Error {
    package enum Kind: Sendable {
        case discard(reason: String)
        case retry(after: Duration, cause: (any Error)?)
        case snooze(until: Date)
        case permanent(any Error)
        case unknownType(String)
    }

    package let kind: Kind

    /// Done, though nothing was done: the event needs no handling any more. It is logged and never tried again.
    public static func discard(_ reason: String) -> Self {
        Self(kind: .discard(reason: reason))
    }

    /// A failed attempt that must not be tried again before `delay` has passed, as Retry-After says.
    /// Up to 60 s it is a retry after the longer of this and the backoff; a longer one is a wait that costs no attempt.
    public static func retry(after delay: Duration, cause: (any Error)? = nil) -> Self {
        Self(kind: .retry(after: delay, cause: cause))
    }

    /// Not now: try again at `date`. It costs no attempt.
    public static func snooze(until date: Date) -> Self {
        Self(kind: .snooze(until: date))
    }

    /// A failure that trying again cannot mend: a dead letter at once.
    public static func permanent(_ error: any Error) -> Self {
        Self(kind: .permanent(error))
    }

    /// This binary does not know the event's type or version: it waits, parked and listed, until an engine starts that may.
    /// For handlers of patterns; ``DeliveryContext/event(as:)`` throws it by itself.
    public static func unknownType(_ description: String) -> Self {
        Self(kind: .unknownType(description))
    }
}

extension HandlerOutcome: CustomStringConvertible {
    public var description: String {
        switch kind {
        case .discard(let reason): "discard: \(reason)"
        case .retry(let delay, let cause):
            cause.map { "retry after \(delay): \($0)" } ?? "retry after \(delay)"
        case .snooze(let date): "snooze until \(date)"
        case .permanent(let error): "permanent: \(error)"
        case .unknownType(let description): "unknown type: \(description)"
        }
    }
}

/// An error that describes itself for logs, dead letters and fingerprints.
public protocol DeliveryFailureDescribing: Error {
    /// A short label from a small fixed set, such as `timeout` or `http.503`.
    var failureType: String { get }
    /// The status the receiver answered, where it answered one.
    var failureStatus: Int? { get }
}

/// A failure that may show that nobody is at the endpoint any more, such as an answer of 410 Gone.
///
/// Throw it as it is or in ``HandlerOutcome/permanent(_:)``. Where it asks for it, the endpoint is paused after this
/// delivery's outcome, so that the next events wait for a person instead of becoming dead letters one by one.
public protocol EndpointPausing: Error {
    /// Whether deliveries to the endpoint should stop until somebody resumes them.
    var pausesEndpoint: Bool { get }
}

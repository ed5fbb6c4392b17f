/// Whether something that failed may be tried again yet: later and later while failures follow each other.
package struct RetryGate<Failure: Error>: Sendable {
    private var delay: RetryDelay
    private let isFirstAtOnce: Bool
    private var opensAt: Duration?
    /// The last failure; `nil` once a try succeeded.
    private var failure: Failure?

    /// - Parameter firstAtOnce: whether there is no wait after a first failure.
    package init(_ backoff: Backoff, firstAtOnce: Bool = false, random: any RandomNumberGenerator & Sendable) {
        delay = RetryDelay(backoff, random: random)
        isFirstAtOnce = firstAtOnce
    }

    package mutating func failed(_ error: Failure, now: Duration) {
        opensAt = isFirstAtOnce && failure == nil ? now : now + delay.failed()
        failure = error
    }

    package mutating func succeeded() {
        guard failure != nil else { return }
        delay.succeeded()
        opensAt = nil
        failure = nil
    }

    /// The last failure, while it is too early for another try.
    package func refusal(now: Duration) -> Failure? {
        guard let opensAt, now < opensAt else { return nil }
        return failure
    }
}

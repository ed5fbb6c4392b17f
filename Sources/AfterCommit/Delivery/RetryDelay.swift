/// How long to wait before something is tried again that failed so often one after another.
package struct RetryDelay: Sendable {
    private let backoff: Backoff
    private var random: any RandomNumberGenerator & Sendable
    private var failures = 0

    package init(_ backoff: Backoff, random: any RandomNumberGenerator & Sendable) {
        self.backoff = backoff
        self.random = random
    }

    package mutating func succeeded() {
        failures = 0
    }

    /// - Returns: the wait before the next try.
    package mutating func failed() -> Duration {
        failures += 1
        return backoff.delay(beforeRetry: failures, random: &random)
    }
}

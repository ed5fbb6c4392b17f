#if HTTP
import AfterCommit

/// What a receiver answered, as far as it matters.
struct Answer: Sendable {
    var status: UInt
    var retryAfter: [String] = []

    /// What to throw for it, or `nil` for a delivered event.
    func failure(host: String, wallClock: any WallClock) -> (any Error)? {
        if (200..<300).contains(status) { return nil }
        let error = HTTPDeliveryError.status(Int(status), host: host)
        switch status {
        case 408, 425, 429, 500...:
            guard let header = retryAfter.first, let delay = RetryAfter.delay(header, now: wallClock.now()) else {
                return error
            }
            return HandlerOutcome.retry(after: delay, cause: error)
        default:
            return HandlerOutcome.permanent(error)
        }
    }
}
#endif

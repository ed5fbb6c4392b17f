#if Kafka
import AfterCommit

/// When a client may be made anew after a fatal error: at once after the first, later and later while they follow each other.
struct ClientRenewal: Sendable {
    private let backoff: Backoff
    private var random: any RandomNumberGenerator & Sendable
    private var failures = 0
    private var notBefore: Duration?
    /// What ended the last client.
    private(set) var lastError: KafkaError?

    init(backoff: Backoff, random: any RandomNumberGenerator & Sendable) {
        self.backoff = backoff
        self.random = random
    }

    mutating func failed(_ error: KafkaError, now: Duration) {
        failures += 1
        lastError = error
        notBefore = failures == 1 ? now : now + backoff.delay(beforeRetry: failures - 1, random: &random)
    }

    /// A client worked.
    mutating func succeeded() {
        guard failures > 0 else { return }
        failures = 0
        notBefore = nil
        lastError = nil
    }

    /// Why none may be made yet.
    func refusal(now: Duration) -> KafkaError? {
        guard let notBefore, now < notBefore else { return nil }
        return lastError
    }
}
#endif

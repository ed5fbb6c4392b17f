#if RabbitMQ
/// When a connection may be tried again: at once after one that had worked, and after a wait that grows where none comes about.
struct ReconnectGate {
    private(set) var failures = 0
    private var opensAt: Duration?
    /// Why the last try failed.
    private(set) var failure: RabbitMQError?

    func isOpen(at now: Duration) -> Bool { opensAt.map { now >= $0 } ?? true }

    /// - Parameter delay: how long to wait before the retry of this number, from 1.
    mutating func failed(_ error: RabbitMQError, at now: Duration, delay: (_ retry: Int) -> Duration) {
        failures += 1
        failure = error
        opensAt = now + delay(failures)
    }

    /// The connection did what it is for.
    mutating func worked() {
        self = ReconnectGate()
    }
}
#endif

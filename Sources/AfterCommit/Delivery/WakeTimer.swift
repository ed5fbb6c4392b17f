/// Notifies a worker's signal at an instant. An earlier instant it is armed for stays: waking too often does no harm.
final class WakeTimer: Sendable {
    private struct Armed {
        let instant: Duration
        let task: Task<Void, Never>
    }

    private let time: TimeSource
    private let signal: WakeSignal
    private let armed = Locked<Armed?>(nil)

    init(time: TimeSource, signal: WakeSignal) {
        self.time = time
        self.signal = signal
    }

    /// - Returns: the instant it is armed for.
    func arm(at instant: Duration, now: Duration) -> Duration {
        armed.withLock { armed in
            if let current = armed, current.instant > now, current.instant <= instant { return current.instant }
            armed?.task.cancel()
            let time = time
            let signal = signal
            let task = Task.detached {
                do {
                    try await time.sleep(until: instant)
                } catch {
                    return  // Cancelled: armed for another instant, or the worker has ended.
                }
                signal.notify()
            }
            armed = Armed(instant: instant, task: task)
            return instant
        }
    }

    func cancel() {
        armed.withLock { $0.take()?.task.cancel() }
    }
}

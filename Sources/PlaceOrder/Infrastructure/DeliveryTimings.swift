#if Example
import AfterCommit

/// When each order was committed and when the data platform had it.
final class DeliveryTimings: Sendable {
    /// Where a latency begins.
    enum Start: Sendable {
        /// The commit was acknowledged to the caller.
        case commit
        /// The attempt that succeeded began: all that a later process can know.
        case attempt
    }

    private struct State {
        var started: [String: Duration] = [:]
        var delivered: [String: Duration] = [:]
    }

    private let start: Start
    private let stopwatch: Stopwatch
    private let state = Locked(State())

    init(from start: Start, stopwatch: Stopwatch) {
        self.start = start
        self.stopwatch = stopwatch
    }

    func committed(_ order: String) {
        guard start == .commit else { return }
        let now = stopwatch.elapsed
        state.withLock { $0.started[order] = now }
    }

    func attemptBegan(_ order: String?) {
        guard start == .attempt, let order else { return }
        let now = stopwatch.elapsed
        state.withLock { $0.started[order] = now }
    }

    func delivered(_ order: String?) {
        guard let order else { return }
        let now = stopwatch.elapsed
        state.withLock { $0.delivered[order] = now }
    }

    /// Those of `orders` that the platform does not have, as far as this process knows.
    func undelivered(of orders: Set<String>) -> Set<String> {
        state.withLock { state in orders.filter { state.delivered[$0] == nil } }
    }

    /// How long each delivery took, shortest first.
    ///
    /// A delivery can be done before the caller hears of its own commit: that took no time, not less than none.
    func latencies() -> [Duration] {
        state.withLock { state in
            state.delivered.compactMap { order, end in state.started[order].map { max(.zero, end - $0) } }.sorted()
        }
    }
}

extension [Duration] {
    /// The nearest-rank percentile of a sorted list, in milliseconds.
    func percentileMilliseconds(_ percent: Int) -> Double? {
        guard !isEmpty else { return nil }
        let rank = (count * percent + 99) / 100
        return (self[Swift.min(count, Swift.max(1, rank)) - 1].milliseconds * 100).rounded() / 100
    }
}
#endif

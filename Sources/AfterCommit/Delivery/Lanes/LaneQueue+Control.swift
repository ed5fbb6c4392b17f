import Synchronization

/// What an operator changes while it runs.
extension LaneQueue {
    /// Lets nothing more begin until ``resume()``; running attempts end normally.
    package func pause() {
        state.withLock { state in
            state.isPaused = true
            recall(in: &state)
        }
        signal.notify()
    }

    package func resume() {
        state.withLock { $0.isPaused = false }
        signal.notify()
    }

    /// Lets nothing more begin before `instant`; running attempts end normally.
    package func park(_ reason: ParkReason, until instant: Duration) {
        state.withLock { state in
            state.gate = (reason, instant)
            recall(in: &state)
        }
        signal.notify()
    }

    package var isPaused: Bool { state.withLock { $0.isPaused } }

    /// Changes how many lanes there are. Those that are too many end after their attempt; for those that are missing see
    /// ``lanesToStart()``.
    package func resize(_ concurrency: Int) {
        let surplus = state.withLock { state in
            while state.lanes.count < concurrency { state.lanes.append(Place()) }
            state.concurrency = concurrency
            recall(in: &state)
            let surplus = state.idle.filter { $0 >= concurrency }
            state.idle.removeAll { $0 >= concurrency }
            return surplus.compactMap { state.endWait(on: $0) }
        }
        for continuation in surplus { continuation.resume() }
        signal.notify()
    }
}

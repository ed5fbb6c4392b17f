import Synchronization

/// How one delivery runs while nothing else does.
extension LaneQueue {
    /// Lets nothing begin but what ``beginAlone(_:)`` is given.
    func hold() {
        state.withLock { state in
            guard !state.isHeld else { return }
            state.isHeld = true
            recall(in: &state)
        }
    }

    func unhold() {
        state.withLock { $0.isHeld = false }
    }

    /// Whether nothing runs, and all that ran was harvested.
    var isQuiet: Bool {
        let standing = standing()
        return standing.running == 0 && standing.unharvested == 0
    }

    /// Whether handlers that were given up may still run.
    var hasAbandoned: Bool { state.withLock { $0.abandonedCount > 0 } }

    /// Lets a lane run this one, as soon as the gates let it.
    func beginAlone(_ delivery: ClaimedDelivery) {
        let wakes = state.withLock { state in
            state.alone = delivery
            return [wakeLastIdle(in: &state)].compactMap { $0 }
        }
        for continuation in wakes { continuation.resume() }
    }

    /// Takes it back, if a gate or a pause has kept it from beginning.
    func takeRefused() -> ClaimedDelivery? {
        state.withLock { state in
            guard state.alone != nil, state.gate != nil || state.isPaused else { return nil }
            return state.alone.take()
        }
    }
}

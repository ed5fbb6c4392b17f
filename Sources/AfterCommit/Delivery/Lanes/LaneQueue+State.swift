import DequeModule

extension LaneQueue {
    struct Place {
        let slot = LaneSlot()
        /// A task runs this lane.
        var isAlive = false
        var waiting: CheckedContinuation<Void, Never>?
        /// Woken, and has not looked yet.
        var isWoken = false
    }

    struct State {
        var lanes: [Place]
        /// The lanes that a task runs and that do not wait: one that waits has told all and holds nothing.
        var busy = LaneSet()
        /// The lanes that may have taken deliveries and not begun them.
        var sharing = LaneSet()
        var concurrency: Int
        var idle: [Int] = []
        var wokenCount = 0
        var share = LaneShare()
        var ready: Deque<ClaimedDelivery> = []
        var company: BatchCompany
        var abandonedCount = 0
        var isPaused = false
        /// Nothing may begin but ``alone``.
        var isHeld = false
        /// Runs while the queue is held.
        var alone: ClaimedDelivery?
        /// When the worker looks at the deadlines next.
        var watchedUntil: Duration?
        var gate: (reason: ParkReason, until: Duration?)?
        var harvest = Harvest()
        var isClosed = false
    }
}

extension LaneQueue.State {
    /// A task runs the lane from now on.
    mutating func start(lane index: Int) {
        lanes[index].isAlive = true
        busy.insert(index)
    }

    /// No task runs it any more.
    mutating func end(lane index: Int) {
        lanes[index].isAlive = false
        busy.remove(index)
    }

    mutating func wait(_ continuation: CheckedContinuation<Void, Never>, on index: Int) {
        lanes[index].waiting = continuation
        busy.remove(index)
        idle.append(index)
    }

    /// Whoever calls has taken it from the idle ones, and resumes it.
    mutating func endWait(on index: Int) -> CheckedContinuation<Void, Never>? {
        guard let continuation = lanes[index].waiting.take() else { return nil }
        busy.insert(index)
        return continuation
    }
}

import DequeModule
import Foundation

/// Hands deliveries to lanes and gathers how their attempts ended.
///
/// A lane does not hop to its worker for its next delivery. While handlers are fast it takes several at once and goes
/// through them under its own ``LaneSlot``; what it has not begun is taken back by any lane that has nothing to do, and
/// the rule that someone always looks keeps as many attempts running as there are lanes: whoever takes deliveries and
/// leaves some unbegun wakes an idle lane.
package final class LaneQueue: Sendable {
    let state: Locked<State>
    let gate: EndpointGate
    let timeout: Duration
    let batch: BatchSize
    let journal: (any AttemptJournal)?
    let time: TimeSource
    let wallClock: any WallClock
    let signal: WakeSignal

    /// - Parameters:
    ///   - lanes: how many attempts run at once.
    ///   - batch: how many deliveries an attempt has.
    ///   - journal: is told what runs.
    package init(
        lanes: Int, timeout: Duration, batch: BatchSize = .one, gate: EndpointGate,
        journal: (any AttemptJournal)? = nil, time: TimeSource, wallClock: any WallClock, signal: WakeSignal
    ) {
        state = Locked(
            State(
                lanes: (0..<lanes).map { _ in Place() }, concurrency: lanes, company: BatchCompany(batch)))
        self.timeout = timeout
        self.batch = batch
        self.gate = gate
        self.journal = journal
        self.time = time
        self.wallClock = wallClock
        self.signal = signal
    }

    // MARK: For lanes

    /// What a lane does next.
    package enum Step: Sendable {
        case attempt(Attempt)
        /// Ask ``next(_:)``.
        case ask
        /// The lane was replaced.
        case lost
    }

    /// Notes how the lane's attempt ended and begins the next of those it has taken.
    package func advance(_ id: LaneID, slot: LaneSlot, after ending: Ending) -> Step {
        let now = time.now()
        let step: Step = slot.state.withLock { lane in
            guard lane.generation == id.generation else { return .lost }
            end(&lane, with: ending, now: now)
            // Gates are asked for each attempt; one that has nothing to ask lets pass here.
            guard lane.share.isFast, gate.isUntroubled, let delivery = lane.taken.popFirst() else { return .ask }
            return .attempt(
                begin(Running(delivery: delivery, started: now, isProbe: false), on: id.index, &lane))
        }
        // The worker looks, and arms its timer for the attempt that starts now.
        signal.notify()
        if case .lost = step { refuse() }
        return step
    }

    /// Takes the next deliveries, waiting until there are some; `nil` tells the lane to end.
    package func next(_ id: LaneID) async -> Attempt? {
        while true {
            let now = time.now()
            let (step, wakes, isNews) = state.withLock { state in
                let step = look(id, now: now, in: &state)
                return (step, wake(in: &state), concernsWorker(step, in: state))
            }
            for continuation in wakes { continuation.resume() }
            if isNews { signal.notify() }
            switch step {
            case .attempt(let attempt): return attempt
            case .lost: return nil
            case .ask: await waitForWork(id)
            }
        }
    }

    /// Whether the worker must arm its timer: for a gate that has closed, or an attempt whose deadline it does not watch.
    private func concernsWorker(_ step: Step, in state: borrowing State) -> Bool {
        switch step {
        case .attempt(let attempt):
            // A batch may have left some that wait for company.
            (batch.size > 1 && !state.ready.isEmpty)
                || state.watchedUntil.map { $0 > attempt.started + timeout } ?? true
        case .ask, .lost: state.gate != nil
        }
    }

    private func waitForWork(_ id: LaneID) async {
        await withCheckedContinuation { continuation in
            let waits = state.withLock { state in
                // What came between the two locks is looked at again.
                if state.isClosed || id.index >= state.concurrency || hasWork(in: state) { return false }
                state.wait(continuation, on: id.index)
                return true
            }
            if !waits { continuation.resume() }
        }
    }

    private func look(_ id: LaneID, now: Duration, in state: inout State) -> Step {
        if state.lanes[id.index].isWoken {
            state.lanes[id.index].isWoken = false
            state.wokenCount -= 1
        }
        let slot = state.lanes[id.index].slot
        return slot.state.withLock { lane in
            guard lane.generation == id.generation else {
                // Begun on its behalf and given up before it looked: no handler runs that could end late.
                state.abandonedCount -= 1
                return .lost
            }
            // Begun on its behalf while it was idle.
            if let running = lane.running { return .attempt(running.attempt) }
            giveBack(&lane, in: &state)
            lane.flush(into: &state.harvest)
            if lane.hasEnded {
                state.share = lane.share
                lane.hasEnded = false
            }
            guard !state.isClosed, id.index < state.concurrency else {
                state.end(lane: id.index)
                forget(lane: id.index)
                return .lost
            }
            if state.ready.isEmpty, !state.isHeld { recall(except: id.index, in: &state) }
            if let running = start(id.index, &lane, now: now, in: &state) {
                return .attempt(begin(running, on: id.index, &lane))
            }
            forget(lane: id.index)
            return .ask
        }
    }

    /// Counts the late result of a lane that was replaced.
    private func refuse() {
        state.withLock { state in
            state.harvest.refusedResults += 1
            state.abandonedCount -= 1
        }
        signal.notify()
    }

    /// Whether something is ready to begin.
    func mayStart(now: Duration, in state: borrowing State) -> Bool {
        guard state.gate == nil, !state.isPaused else { return false }
        if state.isHeld { return state.alone != nil }
        guard !state.ready.isEmpty else { return false }
        return batch.size == 1 || state.company.isComplete(ready: state.ready.count, now: now)
    }

    /// Whether a lane that looks would find something, be it taken by another.
    func hasWork(in state: borrowing State) -> Bool {
        if state.gate != nil || state.isPaused { return false }
        if state.isHeld { return state.alone != nil }
        return state.ready.isEmpty ? hasTaken(in: state) : mayStart(now: time.now(), in: state)
    }
}

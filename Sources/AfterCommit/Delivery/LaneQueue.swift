import DequeModule
import Foundation
import Synchronization

/// Hands deliveries to lanes and gathers how their attempts ended.
///
/// A lane does not hop to its worker for its next delivery. While handlers are fast it takes several at once and goes
/// through them under its own ``LaneSlot``; what it has not begun is taken back by any lane that has nothing to do, and
/// the rule that someone always looks keeps as many attempts running as there are lanes: whoever takes deliveries and
/// leaves some unbegun wakes an idle lane.
package final class LaneQueue: Sendable {
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
        var concurrency: Int
        var idle: [Int] = []
        var wokenCount = 0
        var share = LaneShare()
        var ready: Deque<ClaimedDelivery> = []
        var company: BatchCompany
        var abandonedCount = 0
        var isPaused = false
        /// When the worker looks at the deadlines next.
        var watchedUntil: Duration?
        var gate: (reason: ParkReason, until: Duration?)?
        var harvest = Harvest()
        var isClosed = false
    }

    let state: Mutex<State>
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
        state = Mutex(
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
                state.lanes[id.index].waiting = continuation
                state.idle.append(id.index)
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
            guard lane.generation == id.generation else { return .lost }
            // Begun on its behalf while it was idle.
            if let running = lane.running { return .attempt(running.attempt) }
            giveBack(&lane, in: &state)
            lane.flush(into: &state.harvest)
            if lane.hasEnded {
                state.share = lane.share
                lane.hasEnded = false
            }
            guard !state.isClosed, id.index < state.concurrency else {
                state.lanes[id.index].isAlive = false
                forget(lane: id.index)
                return .lost
            }
            if state.ready.isEmpty { recall(except: id.index, in: &state) }
            if let running = start(&lane, now: now, in: &state) {
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
    private func mayStart(now: Duration, in state: borrowing State) -> Bool {
        guard !state.ready.isEmpty, state.gate == nil, !state.isPaused else { return false }
        return batch.size == 1 || state.company.isComplete(ready: state.ready.count, now: now)
    }

    /// Whether a lane that looks would find something, be it taken by another.
    private func hasWork(in state: borrowing State) -> Bool {
        if state.gate != nil || state.isPaused { return false }
        return state.ready.isEmpty ? hasTaken(in: state) : mayStart(now: time.now(), in: state)
    }

    // MARK: Beginning and ending

    /// Starts what is ready on a lane, if the gates let it.
    func start(_ lane: inout LaneSlot.State, now: Duration, in state: inout State) -> Running? {
        guard !state.isClosed, mayStart(now: now, in: state) else { return nil }
        guard state.abandonedCount < max(4, state.concurrency) else {
            state.gate = (.tooManyAbandonedAttempts, nil)
            return nil
        }
        let (admission, change) = gate.admit(now: now)
        if let change { state.harvest.breakerChanges.append(change) }
        switch admission {
        case .refused(let reason, let until):
            state.gate = (reason, until)
            return nil
        case .admitted(let isProbe):
            let count =
                batch.size == 1
                ? (gate.isUntroubled ? state.share.count(ready: state.ready.count) : 1)
                : isProbe ? 1 : min(batch.size, state.ready.count)
            state.company.take(count)
            var running = Running(delivery: state.ready.removeFirst(), started: now, isProbe: isProbe)
            if count > 1 {
                if batch.size == 1 {
                    lane.taken.append(contentsOf: state.ready.prefix(count - 1))
                } else {
                    running.others = Array(state.ready.prefix(count - 1))
                }
                state.ready.removeFirst(count - 1)
            }
            return running
        }
    }

    @discardableResult
    func begin(_ running: consuming Running, on index: Int, _ lane: inout LaneSlot.State) -> Attempt {
        lane.startedAttempts += 1 + running.others.count
        if let journal {
            let first = index * batch.size
            journal.began(running.delivery.sequence, lane: first)
            for (offset, delivery) in running.others.enumerated() {
                journal.began(delivery.sequence, lane: first + offset + 1)
            }
            for offset in (1 + running.others.count)..<max(batch.size, 1 + running.others.count) {
                journal.ended(lane: first + offset)
            }
        }
        let attempt = running.attempt
        lane.running = running
        return attempt
    }

    func end(_ lane: inout LaneSlot.State, with ending: Ending, now: Duration) {
        guard let running = lane.running.take() else { return }
        let duration = now - running.started
        lane.share.ended(after: duration)
        lane.hasEnded = true
        report(ending.endpointReport, of: running, now: now, &lane)
        note(running.delivery, ending[0], running, duration, &lane)
        for (index, delivery) in running.others.enumerated() {
            note(delivery, ending[index + 1], running, duration, &lane)
        }
    }

    private func note(
        _ delivery: ClaimedDelivery, _ result: AttemptResult, _ running: Running, _ duration: Duration,
        _ lane: inout LaneSlot.State
    ) {
        if case .succeeded = result, delivery.box.envelope.orderingKey == nil, !running.isProbe {
            lane.delivered.append(delivery.sequence)
        } else {
            lane.ended.append(
                EndedAttempt(
                    delivery: delivery, startedAt: wallClock.now() - duration.timeInterval,
                    duration: duration, result: result, isProbe: running.isProbe))
        }
    }

    func report(
        _ report: EndpointState.Report, of running: Running, now: Duration, _ lane: inout LaneSlot.State
    ) {
        if let change = gate.end(report, probe: running.isProbe, now: now) {
            lane.breakerChanges.append(change)
        }
    }

    /// Tells the journal that nothing runs on a lane.
    func forget(lane index: Int) {
        guard let journal else { return }
        for offset in 0..<batch.size { journal.ended(lane: index * batch.size + offset) }
    }

    // MARK: Sharing

    /// Puts back what a lane has taken and not begun.
    func giveBack(_ lane: inout LaneSlot.State, in state: inout State) {
        guard !lane.taken.isEmpty else { return }
        state.ready.prepend(contentsOf: lane.taken)
        lane.taken.removeAll(keepingCapacity: true)
    }

    /// Takes back what lanes have taken and not begun.
    func recall(except index: Int? = nil, in state: inout State) {
        guard batch.size == 1 else { return }
        for other in state.lanes.indices where other != index && state.lanes[other].isBusy {
            state.lanes[other].slot.state.withLock { giveBack(&$0, in: &state) }
        }
    }

    /// The idle lanes to resume, so that what is not begun finds a lane.
    func wake(in state: inout State) -> [CheckedContinuation<Void, Never>] {
        guard !state.idle.isEmpty, hasWork(in: state) else { return [] }
        // What others have taken needs one lane to look.
        let attempts = (max(1, state.ready.count) + batch.size - 1) / batch.size
        let count = state.share.wakes(unbegun: attempts, idle: state.idle.count, woken: state.wokenCount)
        return (0..<count).compactMap { _ in wakeLastIdle(in: &state) }
    }

    func wakeLastIdle(in state: inout State) -> CheckedContinuation<Void, Never>? {
        guard let index = state.idle.popLast() else { return nil }
        state.lanes[index].isWoken = true
        state.wokenCount += 1
        return state.lanes[index].waiting.take()
    }

    private func hasTaken(in state: borrowing State) -> Bool {
        guard batch.size == 1 else { return false }
        for index in state.lanes.indices where state.lanes[index].isBusy {
            if state.lanes[index].slot.state.withLock({ !$0.taken.isEmpty }) { return true }
        }
        return false
    }
}

extension LaneQueue.Place {
    /// A lane that waits has told all and holds nothing.
    var isBusy: Bool { isAlive && waiting == nil }
}

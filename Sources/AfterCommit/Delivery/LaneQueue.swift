import DequeModule
import Foundation
import Synchronization

/// Hands deliveries to lanes, one after another, and gathers how their attempts ended.
///
/// A lane takes its next delivery here under one lock instead of hopping to its worker: that is what lets one
/// subscription handle millions of events in a second.
package final class LaneQueue: Sendable {
    /// A lane's right to report: one that was replaced has lost it.
    package struct LaneID: Sendable, Hashable {
        let index: Int
        let generation: Int
    }

    /// What a lane is to run.
    package struct Attempt: Sendable {
        package let delivery: ClaimedDelivery
        package let started: Duration
    }

    /// What the worker takes at each turn.
    package struct Harvest: Sendable {
        /// Succeeded, without an ordering key: nothing but their sequence is needed.
        package var delivered: [UInt64] = []
        package var ended: [EndedAttempt] = []
        package var breakerChanges: [EndpointGate.Change] = []
        /// Lanes whose attempts outlived their deadline, with those that replace them.
        package var replaced: [(old: LaneID, new: LaneID)] = []
        package var startedAttempts = 0
        package var refusedResults = 0
    }

    /// How the queue stands.
    package struct Standing: Sendable {
        package var ready = 0
        package var running = 0
        /// Attempts that have ended and were not harvested.
        package var unharvested = 0
        package var gate: (reason: ParkReason, until: Duration?)?
        /// When the first running attempt outlives its timeout.
        package var nextDeadline: Duration?

        package init() {}
    }

    private struct Running {
        let delivery: ClaimedDelivery
        let started: Duration
        let isProbe: Bool
    }

    private struct Lane {
        var generation = 0
        var running: Running?
        var waiting: CheckedContinuation<Attempt?, Never>?
    }

    private struct State {
        var lanes: [Lane]
        var idle: [Int] = []
        var ready: Deque<ClaimedDelivery> = []
        var runningCount = 0
        var abandonedCount = 0
        var gate: (reason: ParkReason, until: Duration?)?
        var harvest = Harvest()
        var isClosed = false
    }

    private let state: Mutex<State>
    private let gate: EndpointGate
    private let timeout: Duration
    private let maxAbandoned: Int
    private let time: TimeSource
    private let wallClock: any WallClock
    private let signal: WakeSignal

    package init(
        lanes: Int, timeout: Duration, gate: EndpointGate, time: TimeSource,
        wallClock: any WallClock, signal: WakeSignal
    ) {
        state = Mutex(State(lanes: Array(repeating: Lane(), count: lanes)))
        maxAbandoned = max(4, lanes)
        self.timeout = timeout
        self.gate = gate
        self.time = time
        self.wallClock = wallClock
        self.signal = signal
    }

    package var laneIDs: [LaneID] {
        state.withLock { state in
            state.lanes.indices.map { LaneID(index: $0, generation: state.lanes[$0].generation) }
        }
    }

    // MARK: For lanes

    /// Reports how the lane's last attempt ended and takes the next delivery; `nil` tells the lane to end.
    package func next(_ id: LaneID, after result: AttemptResult?) async -> Attempt? {
        let now = time.now()
        let taken: Attempt?? = state.withLock { state in
            guard state.lanes[id.index].generation == id.generation else {
                refuse(result, in: &state)
                return .some(nil)
            }
            // Either way the worker looks, and arms its timer for the attempt that starts now.
            if let result { end(id.index, with: result, now: now, in: &state) } else { signal.notify() }
            if state.isClosed { return .some(nil) }
            guard let attempt = start(id.index, now: now, in: &state) else {
                // The worker arms its timer for a gate that has closed, or claims more.
                signal.notify()
                return nil
            }
            return attempt
        }
        if let taken { return taken }
        return await withCheckedContinuation { continuation in
            let answer: Attempt?? = state.withLock { state in
                guard state.lanes[id.index].generation == id.generation, !state.isClosed else {
                    return .some(nil)
                }
                // What came between the two locks starts here; the worker must arm its timer for it.
                if !state.ready.isEmpty { signal.notify() }
                if let attempt = start(id.index, now: now, in: &state) { return attempt }
                state.lanes[id.index].waiting = continuation
                state.idle.append(id.index)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    private func refuse(_ result: AttemptResult?, in state: inout State) {
        guard result != nil else { return }
        state.harvest.refusedResults += 1
        state.abandonedCount -= 1
        signal.notify()
    }

    private func end(
        _ index: Int, with result: AttemptResult, now: Duration, in state: inout State
    ) {
        guard let running = state.lanes[index].running else { return }
        state.lanes[index].running = nil
        state.runningCount -= 1
        report(result.endpointReport, of: running, now: now, in: &state)
        if case .succeeded = result, running.delivery.box.envelope.orderingKey == nil {
            state.harvest.delivered.append(running.delivery.sequence)
        } else {
            state.harvest.ended.append(
                EndedAttempt(
                    delivery: running.delivery,
                    startedAt: wallClock.now() - (now - running.started).timeInterval,
                    duration: now - running.started, result: result, isProbe: running.isProbe))
        }
        signal.notify()
    }

    private func report(
        _ report: EndpointState.Report, of running: Running, now: Duration, in state: inout State
    ) {
        if let change = gate.end(report, probe: running.isProbe, now: now) {
            state.harvest.breakerChanges.append(change)
        }
    }

    /// Starts the next delivery on a lane, if the gates let it.
    private func start(_ index: Int, now: Duration, in state: inout State) -> Attempt? {
        guard !state.isClosed, state.gate == nil, let delivery = state.ready.first else { return nil }
        guard state.abandonedCount < maxAbandoned else {
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
            state.ready.removeFirst()
            state.lanes[index].running = Running(delivery: delivery, started: now, isProbe: isProbe)
            state.runningCount += 1
            state.harvest.startedAttempts += 1
            return Attempt(delivery: delivery, started: now)
        }
    }

    // MARK: For the worker

    /// Queues deliveries and sets idle lanes to work; a closed gate is tried again when its time has come.
    package func push(_ deliveries: [ClaimedDelivery]) {
        let now = time.now()
        let started = state.withLock { state in
            state.ready.append(contentsOf: deliveries)
            if let gate = state.gate, gate.until.map({ $0 <= now }) ?? true { state.gate = nil }
            var started: [(CheckedContinuation<Attempt?, Never>, Attempt)] = []
            while let index = state.idle.last, let attempt = start(index, now: now, in: &state) {
                state.idle.removeLast()
                if let continuation = state.lanes[index].waiting.take() {
                    started.append((continuation, attempt))
                }
            }
            return started
        }
        for (continuation, attempt) in started { continuation.resume(returning: attempt) }
    }

    /// Takes what has happened, attempts that outlived their deadline included.
    package func harvest() -> Harvest {
        let now = time.now()
        return state.withLock { state in
            if state.runningCount > 0 { expire(now: now, in: &state) }
            defer { state.harvest = Harvest() }
            return state.harvest
        }
    }

    private func expire(now: Duration, in state: inout State) {
        for index in state.lanes.indices {
            guard let running = state.lanes[index].running, running.started + timeout <= now else {
                continue
            }
            let old = LaneID(index: index, generation: state.lanes[index].generation)
            end(index, with: .failed(.timedOut(after: timeout), retryAfter: nil), now: now, in: &state)
            state.harvest.replaced.append((old, replaceLane(index, in: &state)))
        }
    }

    private func replaceLane(_ index: Int, in state: inout State) -> LaneID {
        state.lanes[index].generation += 1
        state.abandonedCount += 1
        return LaneID(index: index, generation: state.lanes[index].generation)
    }

    package func standing() -> Standing {
        state.withLock { state in
            var standing = Standing()
            standing.ready = state.ready.count
            standing.running = state.runningCount
            standing.unharvested = state.harvest.delivered.count + state.harvest.ended.count
            standing.gate = state.gate
            standing.nextDeadline = state.lanes.lazy
                .compactMap { $0.running.map { $0.started + self.timeout } }.min()
            return standing
        }
    }

    /// Calls deliveries off: running ones end as cancelled, and their late results will be refused.
    /// - Returns: those that had not begun, and the sequences of those that ran.
    package func cancel(_ sequences: Set<UInt64>) -> (unbegun: [ClaimedDelivery], running: [UInt64]) {
        let now = time.now()
        return state.withLock { state in
            let unbegun = state.ready.filter { sequences.contains($0.sequence) }
            if !unbegun.isEmpty { state.ready.removeAll { sequences.contains($0.sequence) } }
            var running: [UInt64] = []
            for index in state.lanes.indices {
                guard let attempt = state.lanes[index].running, sequences.contains(attempt.delivery.sequence)
                else { continue }
                let old = LaneID(index: index, generation: state.lanes[index].generation)
                end(index, with: .cancelled, now: now, in: &state)
                state.harvest.replaced.append((old, replaceLane(index, in: &state)))
                running.append(attempt.delivery.sequence)
            }
            return (Array(unbegun), running)
        }
    }

    /// Lets nothing more begin; lanes end after their attempt.
    package func stopStarting() {
        state.withLock { $0.isClosed = true }
    }

    /// Lets idle lanes end, and running ones after their attempt.
    /// - Returns: what was not begun.
    package func close() -> [ClaimedDelivery] {
        let (waiting, ready) = state.withLock { state in
            state.isClosed = true
            let waiting = state.idle.compactMap { state.lanes[$0].waiting.take() }
            state.idle = []
            defer { state.ready = [] }
            return (waiting, state.ready.map { $0 })
        }
        for continuation in waiting { continuation.resume(returning: nil) }
        return ready
    }

    /// Gives up all running attempts: their late results will be refused.
    package func abandonRunning() -> [ClaimedDelivery] {
        let now = time.now()
        return state.withLock { state in
            var abandoned: [ClaimedDelivery] = []
            for index in state.lanes.indices {
                guard let running = state.lanes[index].running else { continue }
                state.lanes[index].running = nil
                state.runningCount -= 1
                report(.unknown, of: running, now: now, in: &state)
                _ = replaceLane(index, in: &state)
                abandoned.append(running.delivery)
            }
            return abandoned
        }
    }
}

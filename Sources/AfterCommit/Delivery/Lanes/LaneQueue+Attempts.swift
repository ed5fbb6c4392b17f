import DequeModule
import Foundation
import Synchronization

/// How attempts begin and end on a lane.
extension LaneQueue {
    /// Starts what is ready on a lane, if the gates let it.
    func start(_ index: Int, _ lane: inout LaneSlot.State, now: Duration, in state: inout State) -> Running? {
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
            if state.isHeld, let alone = state.alone.take() {
                return Running(delivery: alone, started: now, isProbe: isProbe)
            }
            let count =
                batch.size == 1
                ? (gate.isUntroubled ? state.share.count(ready: state.ready.count) : 1)
                : isProbe ? 1 : min(batch.size, state.ready.count)
            state.company.take(count)
            var running = Running(delivery: state.ready.removeFirst(), started: now, isProbe: isProbe)
            if count > 1 {
                if batch.size == 1 {
                    // Moved one by one: a copy would count each envelope up and down, where other subscriptions count too.
                    for _ in 1..<count { lane.taken.append(state.ready.removeFirst()) }
                    state.sharing.insert(index)
                } else {
                    running.others = Array(state.ready.prefix(count - 1))
                    state.ready.removeFirst(count - 1)
                }
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
}

import DequeModule
import Synchronization

/// What the worker does with the queue.
extension LaneQueue {
    /// The lanes that a task must run from now on.
    package func lanesToStart() -> [(id: LaneID, slot: LaneSlot)] {
        state.withLock { state in
            guard !state.isClosed else { return [] }
            return (0..<state.concurrency).compactMap { index in
                guard !state.lanes[index].isAlive else { return nil }
                state.start(lane: index)
                let slot = state.lanes[index].slot
                return (LaneID(index: index, generation: slot.state.withLock { $0.generation }), slot)
            }
        }
    }

    /// Queues deliveries and sets idle lanes to work; a closed gate is tried again when its time has come.
    package func push(_ deliveries: [ClaimedDelivery]) {
        let now = time.now()
        let wakes = state.withLock { state in
            if !deliveries.isEmpty {
                state.ready.append(contentsOf: deliveries)
                state.company.add(deliveries.count, at: now)
            }
            guard let gate = state.gate else { return wake(in: &state) }
            guard gate.until.map({ $0 <= now }) ?? true else { return [] }
            state.gate = nil
            return startIdle(now: now, in: &state) + wake(in: &state)
        }
        for continuation in wakes { continuation.resume() }
    }

    /// Tries a gate that was closed: an attempt begins on behalf of an idle lane, or the gate stays closed and no lane is
    /// woken in vain.
    private func startIdle(now: Duration, in state: inout State) -> [CheckedContinuation<Void, Never>] {
        guard let index = state.idle.last else { return [] }
        let hasBegun = state.lanes[index].slot.state.withLock { lane in
            guard let running = start(index, &lane, now: now, in: &state) else { return false }
            begin(running, on: index, &lane)
            return true
        }
        return hasBegun ? [wakeLastIdle(in: &state)].compactMap { $0 } : []
    }

    /// Takes what has happened, attempts that outlived their deadline included.
    package func harvest() -> Harvest {
        let now = time.now()
        return state.withLock { state in
            for index in state.busy {
                state.lanes[index].slot.state.withLock { lane in
                    if let running = lane.running, running.started + timeout <= now {
                        expire(index, &lane, now: now, in: &state)
                    }
                    lane.flush(into: &state.harvest)
                }
            }
            // Past the cap nothing more may begin, taken or not.
            if !state.harvest.replaced.isEmpty { recall(in: &state) }
            state.harvest.abandoned = state.abandonedCount
            defer { state.harvest = Harvest() }
            return state.harvest
        }
    }

    private func expire(_ index: Int, _ lane: inout LaneSlot.State, now: Duration, in state: inout State) {
        let old = LaneID(index: index, generation: lane.generation)
        end(&lane, with: .all(.failed(.timedOut(after: timeout), retryAfter: nil)), now: now)
        replace(index, &lane, in: &state)
        state.harvest.replaced.append(old)
    }

    /// Takes the lane's right away; another task may run it.
    ///
    /// The journal forgets the attempt although its handler may still end the process: the delivery has been charged
    /// for this attempt already, and the lane's number belongs to its next.
    private func replace(_ index: Int, _ lane: inout LaneSlot.State, in state: inout State) {
        giveBack(&lane, in: &state)
        lane.generation += 1
        state.abandonedCount += 1
        state.end(lane: index)
        forget(lane: index)
    }

    package func standing() -> Standing {
        state.withLock { state in
            var standing = Standing()
            standing.ready = state.ready.count + (state.alone == nil ? 0 : 1)
            standing.unharvested = state.harvest.endedCount
            standing.gate = state.isPaused ? (.paused, nil) : state.gate
            if batch.size > 1 {
                standing.companyUntil = state.company.waitsUntil(ready: state.ready.count, now: time.now())
            }
            for index in state.busy {
                state.lanes[index].slot.state.withLock { lane in
                    standing.ready += lane.taken.count
                    standing.unharvested += lane.delivered.count + lane.ended.count
                    guard let running = lane.running else { return }
                    standing.running += 1 + running.others.count
                    let deadline = running.started + timeout
                    standing.nextDeadline = min(standing.nextDeadline ?? deadline, deadline)
                }
            }
            return standing
        }
    }

    /// Tells when the worker looks at the deadlines next: for an attempt that ends later nobody needs to call it.
    /// `nil` comes before the look, so that an attempt that the look misses calls.
    package func watch(until instant: Duration?) {
        state.withLock { $0.watchedUntil = instant }
    }

    /// Calls deliveries off: running ones end as cancelled, and their late results will be refused. The others of a batch
    /// are given back.
    /// - Returns: those that had not begun, and the sequences of those that ran.
    package func cancel(_ sequences: Set<UInt64>) -> (unbegun: [ClaimedDelivery], running: [UInt64]) {
        callOff(.cancelled) { sequences.contains($0) }
    }

    /// Takes all back that is in hand, begun or not: running ones end as lost, and their late results will be refused.
    package func loseAll() -> [ClaimedDelivery] {
        callOff(.leaseLost) { _ in true }.unbegun
    }

    private func callOff(
        _ result: AttemptResult, _ isCalled: (UInt64) -> Bool
    ) -> (unbegun: [ClaimedDelivery], running: [UInt64]) {
        let now = time.now()
        return state.withLock { state in
            recall(in: &state)
            let unbegun = state.ready.filter { isCalled($0.sequence) }
            if !unbegun.isEmpty {
                state.ready.removeAll { isCalled($0.sequence) }
                state.company.take(unbegun.count)
            }
            var taken = Array(unbegun)
            if let alone = state.alone, isCalled(alone.sequence) {
                state.alone = nil
                taken.append(alone)
            }
            var cancelled: [UInt64] = []
            for index in state.busy {
                state.lanes[index].slot.state.withLock { lane in
                    guard let running = lane.running else { return }
                    let results = running.attempt.deliveries.map { delivery -> AttemptResult in
                        isCalled(delivery.sequence) ? result : .released
                    }
                    let called = running.attempt.deliveries.map(\.sequence).filter(isCalled)
                    guard !called.isEmpty else { return }
                    let old = LaneID(index: index, generation: lane.generation)
                    end(&lane, with: .each(results), now: now)
                    replace(index, &lane, in: &state)
                    state.harvest.cancelledLanes.append(old)
                    cancelled += called
                }
            }
            return (taken, cancelled)
        }
    }

    // MARK: Ending

    /// Lets nothing more begin; lanes end after their attempt.
    package func stopStarting() {
        state.withLock { state in
            state.isClosed = true
            recall(in: &state)
        }
    }

    /// Lets idle lanes end, and running ones after their attempt.
    /// - Returns: what was not begun.
    package func close() -> [ClaimedDelivery] {
        let (waiting, ready) = state.withLock { state in
            state.isClosed = true
            recall(in: &state)
            let waiting = state.idle.compactMap { state.endWait(on: $0) }
            state.idle = []
            defer {
                state.company.take(state.ready.count)
                state.ready = []
            }
            return (waiting, state.ready.map { $0 } + [state.alone.take()].compactMap { $0 })
        }
        for continuation in waiting { continuation.resume() }
        return ready
    }

    /// Gives up all running attempts: their late results will be refused.
    package func abandonRunning() -> [ClaimedDelivery] {
        let now = time.now()
        return state.withLock { state in
            var abandoned: [ClaimedDelivery] = []
            for index in state.busy {
                state.lanes[index].slot.state.withLock { lane in
                    guard let running = lane.running.take() else { return }
                    report(.unknown, of: running, now: now, &lane)
                    lane.flush(into: &state.harvest)
                    replace(index, &lane, in: &state)
                    abandoned.append(running.delivery)
                    abandoned.append(contentsOf: running.others)
                }
            }
            return abandoned
        }
    }
}

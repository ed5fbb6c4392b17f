/// The lanes that run the attempts, and what they bring in.
extension DeliveryWorker {
    /// Runs the lanes that no task runs yet.
    func startLanes() {
        guard hasBegun else { return }
        for (id, slot) in queue.lanesToStart() {
            let lane = Lane(id: id, slot: slot, queue: queue, runner: runner)
            lanes[id.index] = Task.detached { await lane.run() }
        }
    }

    /// Runs more lanes at once, or fewer as attempts end.
    func resize(_ concurrency: Int) {
        state.admit(atLeast: 2 * concurrency * queue.batch.size)
        queue.resize(concurrency)
        startLanes()
    }

    func takeHarvest() {
        let harvest = queue.harvest()
        totals.attempts += harvest.startedAttempts
        totals.refusedResults += harvest.refusedResults
        totals.delivered += harvest.delivered.count
        unsettled.delivered.append(contentsOf: harvest.delivered)
        if room.isWaiting { for sequence in harvest.delivered { room.stored(sequence) } }
        if let suspectOnTrial, harvest.delivered.contains(suspectOnTrial) { clearSuspect(suspectOnTrial) }
        for change in harvest.breakerChanges {
            log.breakerChanged(change, endpoint: gate.endpoint.name)
            metrics?.breakerChanged(change)
        }
        metrics?.cutOff(harvest.ended)
        for old in harvest.cancelledLanes { lanes[old.index]?.cancel() }
        if !harvest.cancelledLanes.isEmpty { startLanes() }
        if !harvest.replaced.isEmpty {
            totals.overstayed += harvest.replaced.count
            for old in harvest.replaced { lanes[old.index]?.cancel() }
            startLanes()
        }
        // Those that a shutdown gave up did not outlive their deadline.
        if stopsAt == nil, overstays.shouldWarn(running: harvest.abandoned, now: time.now()) {
            log.attemptsOverstayed(harvest.abandoned)
        }
        for ended in harvest.ended { decide(ended) }
    }
}

/// How the worker ends.
extension DeliveryWorker {
    func beginStopping(grace: Duration) async {
        stopsAt = time.now() + grace
        let unbegun = queue.close() + ordering.takeHeld() + takeSuspects { _ in true }
        leaveTrial()
        await release(unbegun)
    }

    /// Whether all that can be done before the end is done.
    func hasStopped() async -> Bool {
        guard let stopsAt else { return false }
        let isOver = time.now() >= stopsAt
        let standing = queue.standing()
        // One that ended just now: its outcome is taken at the next turn, which its end has signalled.
        if standing.unharvested > 0 { return false }
        if standing.running > 0 {
            guard isOver else { return false }
            // Given up first: what a cancelled handler throws must not be charged.
            let abandoned = queue.abandonRunning()
            for lane in lanes.values { lane.cancel() }
            log.attemptsAbandoned(abandoned.count)
            await release(abandoned)
            takeHarvest()
            _ = await settle(now: time.now())
        }
        if unsettled.count > 0 {
            guard isOver else { return false }
            log.outcomesLost(unsettled.count)
        }
        if !exhaustionTasks.isEmpty {
            guard isOver else { return false }
            exhaustionTasks.cancel()
        }
        return true
    }

    func release(_ deliveries: [ClaimedDelivery]) async {
        guard !deliveries.isEmpty else { return }
        await storage.release(deliveries.map(\.sequence), subscription: subscription.name)
        state.released(deliveries.count)
    }
}

import Synchronization

/// What a worker does when the storage has given its deliveries to other processes.
extension DeliveryWorker {
    /// Lets go of all that is in hand. What was decided already is settled as ever, and refused where it comes too late.
    func giveUpLostLeases() {
        guard haveLeasesBeenLost.exchange(false, ordering: .sequentiallyConsistent) else { return }
        // Those behind their keys first: the end of a head must not start what is lost with it.
        let held = ordering.takeHeld()
        let lost = held + queue.loseAll() + takeSuspects { _ in true }
        let before = totals.lostLeases
        totals.lostLeases += lost.count
        state.released(lost.count)
        for delivery in lost { forgetHead(delivery) }
        // The running ones have ended as lost.
        takeHarvest()
        log.leasesLost(totals.lostLeases - before)
    }

    private func forgetHead(_ delivery: ClaimedDelivery) {
        guard let key = delivery.envelope.orderingKey else { return }
        follow(ordering.end(key: key, sequence: delivery.sequence, outcome: .done))
    }
}

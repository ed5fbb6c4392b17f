/// What undoes the business work of dead letters.
extension DeliveryWorker {
    /// Emits the compensations of a dead letter in the commit that stores it, and not where that comes too late.
    func compensate(_ letter: DeadLetter) {
        for compensation in subscription.compensations where compensation.compensates(letter) {
            let envelopes = storage.envelopes
            let now = envelopes.wallClock.now()
            let emission = compensation.emission(
                for: letter, id: envelopes.ids.next(at: now), time: now, source: envelopes.source)
            unsettled.emitted.append(SettlementBatch.Emitted(by: letter.id.sequence, emission))
        }
    }

    /// The dead letters of a batch are stored, and their compensations with them.
    func noteCompensated(_ batch: SettlementBatch, _ report: SettlementReport) {
        let stale = Set(report.stale)
        for settlement in batch.exceptions where !stale.contains(settlement.delivery.sequence) {
            guard case .deadLettered(let letter) = settlement.outcome else { continue }
            for compensation in subscription.compensations where compensation.compensates(letter) {
                totals.compensated += 1
                log.compensated(letter, by: compensation.name)
            }
        }
    }
}

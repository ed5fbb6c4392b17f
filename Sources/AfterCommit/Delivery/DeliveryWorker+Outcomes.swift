import Foundation

extension DeliveryWorker {
    /// Lets claimed deliveries run, wait for their key, or be stored as blocked.
    func admit(_ deliveries: [ClaimedDelivery]) {
        if deliveries.allSatisfy({ $0.box.envelope.orderingKey == nil && !$0.isUntried }) {
            if !deliveries.isEmpty { startReadable(deliveries) }
            return
        }
        var ready: [ClaimedDelivery] = []
        ready.reserveCapacity(deliveries.count)
        let named = deliveries.contains(where: \.isDamaged) ? deliveries.map(naming) : deliveries
        for delivery in named {
            switch ordering.admit(delivery) {
            case .run: ready.append(delivery)
            case .held: break
            case .block:
                unsettled.exceptions.append(Settlement(delivery: delivery, outcome: .blocked))
            }
        }
        if !ready.isEmpty { start(ready) }
    }

    /// Decides what becomes of a delivery whose attempt has ended.
    func decide(_ attempt: EndedAttempt) {
        let ended = lookingForRoom(chargingStubbornProbe(attempt))
        let delivery = ended.delivery
        if let failure = ended.result.failure {
            totals.failedAttempts += 1
            log.attemptFailed(ended, failure)
            if failure.pausesEndpoint { pauseEndpoint() }
        }
        let decision = DeliveryDecision.decide(
            ended, subscription: subscription.name, policy: subscription.policy,
            now: wallClock.now(), random: &random)
        // However it ended, a failed probe included: the process lives.
        if !suspects.isEmpty { clearSuspect(delivery.sequence) }
        switch decision {
        case .delivered:
            totals.delivered += 1
            unsettled.delivered.append(delivery.sequence)
            endHead(delivery, .done)
        case .emitted(let emissions):
            totals.delivered += 1
            unsettled.delivered.append(delivery.sequence)
            unsettled.emitted += emissions.map { SettlementBatch.Emitted(by: delivery.sequence, $0) }
            endHead(delivery, .done)
        case .settled:
            totals.delivered += 1
            state.released(1)
            endHead(delivery, .done)
        case .discarded(let reason):
            totals.discarded += 1
            log.discarded(ended, reason: reason)
            unsettled.delivered.append(delivery.sequence)
            endHead(delivery, .done)
        case .retrying(let due, let history):
            totals.retries += 1
            log.retryScheduled(ended, due: due)
            unsettled.exceptions.append(
                Settlement(delivery: delivery, outcome: .retrying(due: due, history: history)))
            endHead(delivery, .retrying)
        case .parked(let failure, let history):
            log.parkedUnknown(ended, failure)
            unsettled.exceptions.append(
                Settlement(delivery: delivery, outcome: .parked(history: history)))
            endHead(delivery, .retrying)
        case .deadLettered(let letter):
            if letter.reason == .cancelled { totals.cancelled += 1 } else { totals.deadLettered += 1 }
            log.deadLettered(letter)
            metrics?.deadLettered(letter.reason)
            unsettled.exceptions.append(
                Settlement(delivery: delivery, outcome: .deadLettered(letter)))
            if !subscription.compensations.isEmpty { compensate(letter) }
            endHead(delivery, .dead(blocksKey: letter.blocksKey))
        case .lost:
            totals.lostLeases += 1
            state.released(1)
            endHead(delivery, .done)
        case .requeued, .released:
            // Still the head of its key; the queue has it again, behind the others.
            queue.push([delivery])
        }
    }

    /// The receiver is gone: this subscription stops at once, the endpoint's others as soon as the engine has told them.
    private func pauseEndpoint() {
        guard !queue.isPaused else { return }
        queue.pause()
        log.endpointPaused(gate.endpoint.name)
        onEndpointGone(gate.endpoint.name)
    }

    /// A probe that fails again and again while others' succeed is no longer one: it is charged.
    private func chargingStubbornProbe(_ attempt: EndedAttempt) -> EndedAttempt {
        let sequence = attempt.delivery.sequence
        var attempt = attempt
        switch attempt.result.endpointReport {
        case .failed where attempt.isProbe:
            if probes.failed(sequence) { attempt.isProbe = false }
        case .up where attempt.isProbe:
            probes.succeeded(sequence)
        case .up, .failed, .unknown:
            probes.forget(sequence)
        }
        return attempt
    }

    /// Parks the subscription where a storage had no room for its handler, and charges one that never finds it.
    private func lookingForRoom(_ attempt: EndedAttempt) -> EndedAttempt {
        let sequence = attempt.delivery.sequence
        guard case .refusedRoom(let failure) = attempt.result else {
            guard room.isWaiting else { return attempt }
            if attempt.result.endpointReport == .up { room.stored(sequence) } else { room.forget(sequence) }
            return attempt
        }
        let isNews = !room.isWaiting
        if let until = room.refused(sequence, now: time.now()) {
            if isNews { log.findsNoRoom(failure) }
            queue.park(.storageFull, until: until)
            return attempt
        }
        var charged = attempt
        charged.result = .failed(failure, retryAfter: nil)
        charged.isProbe = false
        return charged
    }

    private func endHead(_ delivery: ClaimedDelivery, _ outcome: OrderingState.HeadOutcome) {
        guard let key = delivery.envelope.orderingKey else { return }
        follow(ordering.end(key: key, sequence: delivery.sequence, outcome: outcome))
    }

    /// Carries out what the end of a head means for those behind it.
    func follow(_ next: OrderingState.Next) {
        if !next.run.isEmpty { start(next.run) }
        for delivery in next.block {
            unsettled.exceptions.append(Settlement(delivery: delivery, outcome: .blocked))
        }
        if let key = next.claimBlocked { keysToClaim.append(key) }
    }
}

extension SettlementBatch {
    /// The earliest due date among those that are tried again.
    var earliestDue: Date? {
        exceptions.lazy.compactMap { settlement -> Date? in
            if case .retrying(let due, _) = settlement.outcome { due } else { nil }
        }.min()
    }
}

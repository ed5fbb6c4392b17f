/// What a worker does with deliveries of which the storage cannot read what it stored.
extension DeliveryWorker {
    /// The key of a damaged delivery is known here if it is the head of one, whatever became of the stored one.
    func naming(_ delivery: ClaimedDelivery) -> ClaimedDelivery {
        guard delivery.isDamaged, delivery.envelope.orderingKey == nil,
            let key = ordering.key(ofHead: delivery.sequence)
        else { return delivery }
        var envelope = delivery.envelope
        envelope.orderingKey = key
        var named = ClaimedDelivery(sequence: delivery.sequence, envelope: envelope, history: delivery.history)
        named.isDamaged = true
        return named
    }

    /// Their turn has come: they become dead letters as others do, and hold their key as others do. Those of which nothing is
    /// left are done.
    func endUntried(_ deliveries: [ClaimedDelivery]) {
        for delivery in deliveries {
            decide(
                EndedAttempt(
                    delivery: delivery, startedAt: wallClock.now(), duration: .zero, result: untriedResult(delivery),
                    isProbe: false))
        }
    }

    private func untriedResult(_ delivery: ClaimedDelivery) -> AttemptResult {
        if delivery.isGone { return .gone }
        if let refusal = delivery.box.refusal {
            return .malformed(AttemptResult.Failure(errorType: "malformed", message: refusal))
        }
        log.damaged(delivery)
        return .damaged
    }
}

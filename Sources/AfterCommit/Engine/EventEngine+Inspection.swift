extension EventEngine {
    /// How each subscription stands, in the order they were given.
    public func status() async throws -> [SubscriptionStatus] {
        var statuses: [SubscriptionStatus] = []
        for worker in workers {
            let (totals, running, parked) = await worker.status()
            statuses.append(
                SubscriptionStatus(
                    name: worker.subscription.name, endpoint: worker.gate.endpoint.name,
                    counts: try await storage.counts(subscription: worker.subscription.name),
                    running: running, breaker: worker.gate.breakerState, parked: parked,
                    totals: totals))
        }
        return statuses
    }

    /// Deliveries by state, type, business key or event, in commit order.
    public nonisolated func deliveries(
        _ query: DeliveryQuery = DeliveryQuery()
    ) async throws -> [DeliveryRecord] {
        try await storage.deliveries(query)
    }

    /// Dead letters, in commit order.
    public nonisolated func deadLetters(
        _ query: DeadLetterQuery = DeadLetterQuery()
    ) async throws -> [DeadLetter] {
        try await storage.deadLetters(query)
    }

    /// Puts dead letters back: attempts start at 1 again, the idempotency key stays, the replay count grows.
    ///
    /// It is idempotent: an id that is no dead letter is skipped.
    /// - Returns: the ids that were put back.
    @discardableResult
    public func redrive(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        let redriven = try await storage.redrive(ids)
        for worker in workers { worker.storageChanged() }
        return redriven
    }

    /// Deletes dead letters for good; ordering keys they blocked go on. An id that is no dead letter is skipped.
    /// - Returns: the ids that were deleted.
    @discardableResult
    public func deleteDeadLetters(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        let deleted = try await storage.deleteDeadLetters(ids)
        for worker in workers {
            let sequences = deleted.lazy
                .filter { $0.subscription == worker.subscription.name }.map(\.sequence)
            await worker.deadLettersDeleted(Set(sequences))
        }
        return deleted
    }
}

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

    /// Delayed events that wait for their moment, the earliest first, from the first after `position`: that of the last page's
    /// last event, which may have been published or deleted meanwhile.
    public nonisolated func delayedEvents(
        after position: DelayedEvent.Position? = nil, limit: Int = 100
    ) async throws -> [DelayedEvent] {
        try await storage.delayedEvents(after: position, limit: limit)
    }

    /// Subscriptions that have a place in the storage and are gone from the code. The storage keeps their events for them
    /// within its retention; past its size limit it cuts their place, and logs an error.
    public nonisolated func orphanedSubscriptions() async throws -> [OrphanedSubscription] {
        var orphans: [OrphanedSubscription] = []
        for name in try await orphanNames() {
            orphans.append(
                OrphanedSubscription(name: name, counts: try await storage.counts(subscription: name)))
        }
        return orphans
    }

    nonisolated func orphanNames() async throws -> [String] {
        Set(try await storage.registeredSubscriptions()).subtracting(subscriptions.map(\.name)).sorted()
    }
}

/// A subscription that nobody delivers to any more.
public struct OrphanedSubscription: Sendable, Hashable {
    public let name: String
    /// What waits for it. Counting walks its backlog.
    public let counts: DeliveryCounts
}

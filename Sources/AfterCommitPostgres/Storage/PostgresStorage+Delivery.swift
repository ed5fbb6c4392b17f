#if Postgres
public import AfterCommit
public import Foundation

/// What the engine asks: the queue does it.
extension PostgresStorage {
    public func validate(_ emission: Emission) throws { try queue.validate(emission) }

    public func attach(
        _ subscriptions: [SubscriptionRegistration], wake: @escaping @Sendable (StorageChange) -> Void
    ) async throws -> [SubscriptionPlace] {
        try await queue.attach(subscriptions, wake: wake)
    }

    public func detach() { queue.detach() }

    public func registeredSubscriptions() async throws -> [String] { try await queue.registeredSubscriptions() }

    public func removeSubscription(_ name: String) async throws -> DeliveryCounts? {
        try await queue.removeSubscription(name)
    }

    public func publishDelayed(dueBy now: Date) async throws -> Date? { try await queue.publishDelayed(dueBy: now) }

    public func delayedEvents(after position: DelayedEvent.Position?, limit: Int) async throws -> [DelayedEvent] {
        try await queue.delayedEvents(after: position, limit: limit)
    }

    public func cancelDelayed(_ ids: [EventID]) async throws -> [EventID] { try await queue.cancelDelayed(ids) }

    public func claim(_ request: ClaimRequest) async throws -> ClaimedBatch { try await queue.claim(request) }

    public func claim(_ sequences: [UInt64], subscription: String) async throws -> [ClaimedDelivery] {
        try await queue.claim(sequences, subscription: subscription)
    }

    public func claimBlocked(
        subscription: String, orderingKeys: Set<String>, limitPerKey: Int
    ) async throws -> [String: [ClaimedDelivery]] {
        try await queue.claimBlocked(subscription: subscription, orderingKeys: orderingKeys, limitPerKey: limitPerKey)
    }

    public func settled(among sequences: [UInt64], subscription: String) async throws -> [UInt64] {
        try await queue.settled(among: sequences, subscription: subscription)
    }

    public func release(_ sequences: [UInt64], subscription: String) async {
        await queue.release(sequences, subscription: subscription)
    }

    public func settle(_ batch: SettlementBatch) async throws -> SettlementReport { try await queue.settle(batch) }

    public func counts(subscription: String) async throws -> DeliveryCounts {
        try await queue.counts(subscription: subscription)
    }

    public func backlog(subscription: String) async throws -> BacklogEstimate {
        try await queue.backlog(subscription: subscription)
    }

    public func deliveries(_ query: DeliveryQuery) async throws -> [DeliveryRecord] {
        try await queue.deliveries(query)
    }

    public func deadLetters(_ query: DeadLetterQuery) async throws -> [DeadLetter] {
        try await queue.deadLetters(query)
    }

    public func redrive(_ ids: [DeliveryID]) async throws -> [DeliveryID] { try await queue.redrive(ids) }

    public func deleteDeadLetters(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        try await queue.deleteDeadLetters(ids)
    }
}
#endif

import Synchronization

extension InMemoryStorage {
    public func attach(
        _ subscriptions: [SubscriptionRegistration], wake: @escaping @Sendable () -> Void
    ) async throws -> [SubscriptionPlace] {
        try queue.withLock { try $0.attach(subscriptions, wake: wake) }
    }

    public func registeredSubscriptions() async throws -> [String] {
        queue.withLock { $0.subscriptions.keys.sorted() }
    }

    public func detach() {
        queue.withLock { $0.detach() }
    }

    public func claim(_ request: ClaimRequest) async throws -> ClaimedBatch {
        let (batch, ready) = queue.withLock { ($0.claim(request), $0.grantRoom()) }
        resume(ready)
        return batch
    }

    public func claimBlocked(
        subscription: String, orderingKeys: Set<String>, limitPerKey: Int
    ) async throws -> [String: [ClaimedDelivery]] {
        queue.withLock { queue in
            var claimed: [String: [ClaimedDelivery]] = [:]
            for key in orderingKeys {
                claimed[key] = queue.subscriptions[subscription]?
                    .claimBlocked(orderingKey: key, limit: limitPerKey)
            }
            return claimed
        }
    }

    public func release(_ sequences: [UInt64], subscription: String) async {
        queue.withLock { $0.subscriptions[subscription]?.release(sequences) }
    }

    public func settle(_ batch: SettlementBatch) async throws -> SettlementReport {
        let (report, ready) = queue.withLock { ($0.settle(batch), $0.grantRoom()) }
        resume(ready)
        return report
    }

    public func counts(subscription: String) async throws -> DeliveryCounts {
        queue.withLock { $0.counts(subscription: subscription) }
    }

    public func deliveries(_ query: DeliveryQuery) async throws -> [DeliveryRecord] {
        queue.withLock { $0.deliveries(query) }
    }

    public func deadLetters(_ query: DeadLetterQuery) async throws -> [DeadLetter] {
        queue.withLock { $0.deadLetters(query) }
    }

    public func redrive(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        let now = envelopes.wallClock.now()
        let (redriven, wake) = queue.withLock { ($0.redrive(ids, now: now), $0.wake) }
        if !redriven.isEmpty { wake?() }
        return redriven
    }

    public func deleteDeadLetters(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        queue.withLock { $0.deleteDeadLetters(ids) }
    }
}

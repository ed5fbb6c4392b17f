public import Foundation
import Synchronization

extension InMemoryStorage {
    public func attach(
        _ subscriptions: [SubscriptionRegistration], wake: @escaping @Sendable (StorageChange) -> Void
    ) async throws -> [SubscriptionPlace] {
        let now = envelopes.wallClock.now()
        return try queue.withLock { try $0.attach(subscriptions, now: now, wake: wake) }
    }

    public func removeSubscription(_ name: String) async throws -> DeliveryCounts? {
        let (counts, ready) = try queue.withLock { (try $0.remove(name), $0.grantRoom()) }
        resume(ready)
        return counts
    }

    public func publishDelayed(dueBy now: Date) async throws -> Date? {
        let (result, wake) = queue.withLock { ($0.publishDelayed(dueBy: now), $0.wake) }
        if result.published { wake?(.claimable) }
        return result.nextDue
    }

    public func delayedEvents(after position: DelayedEvent.Position?, limit: Int) async throws -> [DelayedEvent] {
        queue.withLock { $0.delayedEvents(after: position, limit: limit) }
    }

    public func cancelDelayed(_ ids: [EventID]) async throws -> [EventID] {
        let (cancelled, ready) = queue.withLock { ($0.cancelDelayed(ids), $0.grantRoom()) }
        resume(ready)
        return cancelled
    }

    public func claim(_ sequences: [UInt64], subscription: String) async throws -> [ClaimedDelivery] {
        queue.withLock { $0.claim(sequences, subscription: subscription) }
    }

    public func registeredSubscriptions() async throws -> [String] {
        queue.withLock { $0.subscriptions.keys.sorted() }
    }

    public func settled(among sequences: [UInt64], subscription: String) async throws -> [UInt64] {
        queue.withLock { queue in
            guard let subscription = queue.subscriptions[subscription] else { return sequences }
            return sequences.filter { subscription.isSettled($0) && subscription.deadLetters[$0] == nil }
        }
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
        let now = envelopes.wallClock.now()
        let (settled, ready, wake) = queue.withLock { ($0.settle(batch, now: now), $0.grantRoom(), $0.wake) }
        resume(ready)
        if !settled.change.isEmpty { wake?(settled.change) }
        return settled.report
    }

    public func counts(subscription: String) async throws -> DeliveryCounts {
        queue.withLock { $0.counts(subscription: subscription) }
    }

    public func backlog(subscription: String) async throws -> BacklogEstimate {
        queue.withLock { $0.backlog(subscription: subscription) }
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
        if !redriven.isEmpty { wake?([.claimable, .deadLetters]) }
        return redriven
    }

    public func deleteDeadLetters(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        let (deleted, wake) = queue.withLock { ($0.deleteDeadLetters(ids), $0.wake) }
        if !deleted.isEmpty { wake?(.deadLetters) }
        return deleted
    }
}

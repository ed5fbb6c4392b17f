public import AfterCommit
public import Foundation
import Synchronization

/// A storage that fails on demand, and otherwise does what the storage beneath it does.
public final class FaultInjectingStorage: EventStorage {
    /// What it throws.
    public struct InjectedFault: Error {}

    private struct Faults {
        var settles = 0
        var claims = 0
        var failed = 0
    }

    private let base: any EventStorage
    private let faults = Mutex(Faults())
    public let leaseDuration: Duration?

    /// - Parameters:
    ///   - base: the storage beneath.
    ///   - leaseDuration: what it says of its leases.
    public init(_ base: any EventStorage, leaseDuration: Duration? = nil) {
        self.base = base
        self.leaseDuration = leaseDuration
    }

    public var name: String { base.name }
    public var envelopes: EnvelopeFactory { base.envelopes }
    public var inboxWindow: Duration { base.inboxWindow }

    /// How many calls have failed.
    public var failedCount: Int { faults.withLock { $0.failed } }

    /// Makes the next `count` settles fail.
    public func failSettles(_ count: Int) { faults.withLock { $0.settles = count } }

    /// Makes the next `count` claims fail.
    public func failClaims(_ count: Int) { faults.withLock { $0.claims = count } }

    public func settle(_ batch: SettlementBatch) async throws -> SettlementReport {
        try spend(\.settles)
        return try await base.settle(batch)
    }

    public func claim(_ request: ClaimRequest) async throws -> ClaimedBatch {
        try spend(\.claims)
        return try await base.claim(request)
    }

    private func spend(_ kind: any WritableKeyPath<Faults, Int> & Sendable) throws {
        let fails = faults.withLock { faults in
            guard faults[keyPath: kind] > 0 else { return false }
            faults[keyPath: kind] -= 1
            faults.failed += 1
            return true
        }
        if fails { throw InjectedFault() }
    }

    // MARK: Passed on

    @discardableResult
    public func emit<E: Event>(contentsOf events: [E], options: EmitOptions) async throws -> [EventID] {
        try await base.emit(contentsOf: events, options: options)
    }

    public func reserveRoom(for events: Int) async throws -> RoomReservation {
        try await base.reserveRoom(for: events)
    }

    @discardableResult
    public func emit(_ emissions: [Emission], into reservation: RoomReservation) async throws -> [EventID] {
        try await base.emit(emissions, into: reservation)
    }

    public func cancel(_ reservation: RoomReservation) { base.cancel(reservation) }

    public func attach(
        _ subscriptions: [SubscriptionRegistration], wake: @escaping @Sendable (StorageChange) -> Void
    ) async throws -> [SubscriptionPlace] {
        try await base.attach(subscriptions, wake: wake)
    }

    public func attemptJournal(subscription: String, lanes: Int) -> (any AttemptJournal)? {
        base.attemptJournal(subscription: subscription, lanes: lanes)
    }

    public func removeSubscription(_ name: String) async throws -> DeliveryCounts? {
        try await base.removeSubscription(name)
    }

    public func publishDelayed(dueBy now: Date) async throws -> Date? {
        try await base.publishDelayed(dueBy: now)
    }

    public func delayedEvents(after id: EventID?, limit: Int) async throws -> [DelayedEvent] {
        try await base.delayedEvents(after: id, limit: limit)
    }

    public func cancelDelayed(_ ids: [EventID]) async throws -> [EventID] {
        try await base.cancelDelayed(ids)
    }

    public func claim(_ sequences: [UInt64], subscription: String) async throws -> [ClaimedDelivery] {
        try await base.claim(sequences, subscription: subscription)
    }

    public func registeredSubscriptions() async throws -> [String] {
        try await base.registeredSubscriptions()
    }

    public func detach() { base.detach() }

    public func claimBlocked(
        subscription: String, orderingKeys: Set<String>, limitPerKey: Int
    ) async throws -> [String: [ClaimedDelivery]] {
        try await base.claimBlocked(subscription: subscription, orderingKeys: orderingKeys, limitPerKey: limitPerKey)
    }

    public func release(_ sequences: [UInt64], subscription: String) async {
        await base.release(sequences, subscription: subscription)
    }

    public func counts(subscription: String) async throws -> DeliveryCounts {
        try await base.counts(subscription: subscription)
    }

    public func backlog(subscription: String) async throws -> BacklogEstimate {
        try await base.backlog(subscription: subscription)
    }

    public func deliveries(_ query: DeliveryQuery) async throws -> [DeliveryRecord] {
        try await base.deliveries(query)
    }

    public func deadLetters(_ query: DeadLetterQuery) async throws -> [DeadLetter] {
        try await base.deadLetters(query)
    }

    public func redrive(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        try await base.redrive(ids)
    }

    public func deleteDeadLetters(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        try await base.deleteDeadLetters(ids)
    }
}

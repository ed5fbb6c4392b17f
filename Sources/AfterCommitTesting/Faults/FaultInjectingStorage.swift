public import AfterCommit
public import Foundation

/// A storage that fails on demand, and otherwise does what the storage beneath it does.
///
/// ```swift
/// let storage = FaultInjectingStorage(InMemoryStorage())
/// storage.failSettles(3)              // the next three
/// storage.failClaims(.max, after: 10) // all but the first ten
/// storage.holdSettles(until: latch)   // settles wait for the latch
/// ```
public final class FaultInjectingStorage: EventStorage {
    /// What it throws.
    public struct InjectedFault: Error {}

    /// Calls of one kind that are to fail.
    private struct Fault {
        var passing = 0
        var failing = 0
    }

    private struct Faults {
        var settles = Fault()
        var claims = Fault()
        var emits = Fault()
        var attaches = Fault()
        var publishing = Fault()
        var failed = 0
        var reclaimed = 0
        var settleLatch: Latch?
    }

    private let base: any EventStorage
    private let faults = Locked(Faults())
    public let leaseDuration: Duration?
    private let suspects: [String: [SubscriptionPlace.Suspect]]

    /// - Parameters:
    ///   - base: the storage beneath.
    ///   - leaseDuration: what it says of its leases.
    ///   - suspects: what it says was in flight when the last process died, by subscription.
    public init(
        _ base: any EventStorage, leaseDuration: Duration? = nil,
        suspects: [String: [SubscriptionPlace.Suspect]] = [:]
    ) {
        self.suspects = suspects
        self.base = base
        self.leaseDuration = leaseDuration
    }

    public var name: String { base.name }
    public var envelopes: EnvelopeFactory { base.envelopes }
    public var inboxWindow: Duration { base.inboxWindow }
    public var ordersKeys: Bool { base.ordersKeys }

    public func validate(_ emission: Emission) throws { try base.validate(emission) }

    public var reclaimedDeliveries: Int { base.reclaimedDeliveries + faults.withLock { $0.reclaimed } }

    /// Counts so many deliveries as taken from others whose leases ran out.
    public func noteReclaimed(_ count: Int) { faults.withLock { $0.reclaimed += count } }

    /// How many calls have failed.
    public var failedCount: Int { faults.withLock { $0.failed } }

    /// Makes `count` settles fail, once `passing` more have passed.
    public func failSettles(_ count: Int, after passing: Int = 0) {
        faults.withLock { $0.settles = Fault(passing: passing, failing: count) }
    }

    /// Makes `count` claims fail, once `passing` more have passed.
    public func failClaims(_ count: Int, after passing: Int = 0) {
        faults.withLock { $0.claims = Fault(passing: passing, failing: count) }
    }

    /// Makes `count` emits outside transactions fail, reserving room included, once `passing` more have passed.
    public func failEmits(_ count: Int, after passing: Int = 0) {
        faults.withLock { $0.emits = Fault(passing: passing, failing: count) }
    }

    /// Makes `count` attachments fail, once `passing` more have passed: an engine does not start.
    public func failAttaching(_ count: Int, after passing: Int = 0) {
        faults.withLock { $0.attaches = Fault(passing: passing, failing: count) }
    }

    /// Makes `count` looks for delayed events fail, once `passing` more have passed.
    public func failPublishing(_ count: Int, after passing: Int = 0) {
        faults.withLock { $0.publishing = Fault(passing: passing, failing: count) }
    }

    /// Makes every settle wait until `latch` is open; `nil` for none any more.
    public func holdSettles(until latch: Latch?) { faults.withLock { $0.settleLatch = latch } }

    public func settled(among sequences: [UInt64], subscription: String) async throws -> [UInt64] {
        try await base.settled(among: sequences, subscription: subscription)
    }

    public func settle(_ batch: SettlementBatch) async throws -> SettlementReport {
        await faults.withLock { $0.settleLatch }?.wait()
        try spend(\.settles)
        return try await base.settle(batch)
    }

    public func claim(_ request: ClaimRequest) async throws -> ClaimedBatch {
        try spend(\.claims)
        return try await base.claim(request)
    }

    @discardableResult
    public func emit<E: Event>(contentsOf events: [E], options: EmitOptions) async throws -> [EventID] {
        try spend(\.emits)
        return try await base.emit(contentsOf: events, options: options)
    }

    public func reserveRoom(for events: Int) async throws -> RoomReservation {
        try spend(\.emits)
        return try await base.reserveRoom(for: events)
    }

    @discardableResult
    public func emit(_ emissions: [Emission], into reservation: RoomReservation) async throws -> [EventID] {
        do {
            try spend(\.emits)
        } catch {
            base.cancel(reservation)
            throw error
        }
        return try await base.emit(emissions, into: reservation)
    }

    public func receive(_ emissions: [Emission]) async throws -> ReceiveReport {
        try spend(\.emits)
        return try await base.receive(emissions)
    }

    public func attach(
        _ subscriptions: [SubscriptionRegistration], wake: @escaping @Sendable (StorageChange) -> Void
    ) async throws -> [SubscriptionPlace] {
        try spend(\.attaches)
        return try await zip(subscriptions, base.attach(subscriptions, wake: wake)).map { registration, place in
            var place = place
            place.suspects += suspects[registration.name] ?? []
            return place
        }
    }

    public func publishDelayed(dueBy now: Date) async throws -> Date? {
        try spend(\.publishing)
        return try await base.publishDelayed(dueBy: now)
    }

    private func spend(_ kind: any WritableKeyPath<Faults, Fault> & Sendable) throws {
        let fails = faults.withLock { faults in
            guard faults[keyPath: kind].failing > 0 else { return false }
            guard faults[keyPath: kind].passing == 0 else {
                faults[keyPath: kind].passing -= 1
                return false
            }
            faults[keyPath: kind].failing -= 1
            faults.failed += 1
            return true
        }
        if fails { throw InjectedFault() }
    }

    // MARK: Passed on

    public func cancel(_ reservation: RoomReservation) { base.cancel(reservation) }

    public func attemptJournal(subscription: String, lanes: Int) -> (any AttemptJournal)? {
        base.attemptJournal(subscription: subscription, lanes: lanes)
    }

    public func removeSubscription(_ name: String) async throws -> DeliveryCounts? {
        try await base.removeSubscription(name)
    }

    public func delayedEvents(after position: DelayedEvent.Position?, limit: Int) async throws -> [DelayedEvent] {
        try await base.delayedEvents(after: position, limit: limit)
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

import DequeModule
import Foundation

/// The log of an in-memory storage with the places of its subscriptions. A plain value behind the storage's lock.
struct MemoryQueue: ~Copyable {
    /// An emitter that waits until there is room for its events.
    struct RoomWaiter {
        let id: UInt64
        let count: Int
        let continuation: CheckedContinuation<Void, any Error>
    }

    let configuration: InMemoryStorage.Configuration
    var log: Deque<EnvelopeBox> = []
    var firstSequence: UInt64 = 1
    /// Every event below is settled by all subscriptions.
    var floor: UInt64 = 1
    var exceptionCount = 0
    var reservedCount = 0
    var waiters: Deque<RoomWaiter> = []
    var lastWaiterID: UInt64 = 0
    private(set) var wake: (@Sendable (StorageChange) -> Void)?
    var delayed = MemoryDelayed()
    var deduplication = MemoryDeduplication()
    var subscriptions: [String: MemorySubscription] = [:]
    /// Those that the last engine delivered to. Others hold no events back: the emitter never pays for them.
    var attached: Set<String> = []

    init(configuration: InMemoryStorage.Configuration) {
        self.configuration = configuration
    }

    var tail: UInt64 { firstSequence + UInt64(log.count) }

    var heldCount: Int { Int(tail - floor) + exceptionCount + reservedCount + delayed.count }

    // MARK: Emitting

    /// Appends one, if there is room: the way of a single emit, without an array around it.
    mutating func append(_ envelope: EnvelopeBox) -> Bool {
        guard waiters.isEmpty, heldCount < configuration.capacity else { return false }
        log.append(envelope)
        if attached.isEmpty { floor = tail }
        trim()
        return true
    }

    /// What came of several emissions.
    enum Appended {
        /// The ids, those of the first events where a key was known; and what the engine must be told.
        case stored([EventID], StorageChange)
        /// There is no room for so many.
        case full(Int)
        /// A deduplication key stands for another payload.
        case refused(EmitError)
    }

    /// Stores all of them, or none. `reserved` of the room were granted before and are given back in every case: grant it
    /// to those who wait.
    /// - Parameter takesReserve: whether they are stored past the capacity, as what handlers emit.
    mutating func append(
        _ emissions: [Emission], reserved: Int, takesReserve: Bool = false, now: Date
    ) -> Appended {
        reservedCount -= reserved
        let fresh: [Emission]
        let ids: [EventID]
        do throws(EmitError) {
            (fresh, ids) = try withoutKnown(emissions, now: now)
        } catch {
            return .refused(error)
        }
        let missing = takesReserve ? 0 : fresh.count - reserved
        if missing > 0, !waiters.isEmpty || heldCount + fresh.count > configuration.capacity {
            return .full(fresh.count)
        }
        return .stored(ids, store(fresh, now: now))
    }

    /// Appends what of these is not known yet; `nil` where there is no room for it.
    mutating func receive(
        _ emissions: [Emission], reserved: Int, now: Date
    ) -> (report: ReceiveReport, change: StorageChange)? {
        reservedCount -= reserved
        let received = ReceivedEvents(emissions, now: now) { deduplication.record($0) }
        let missing = received.fresh.count - reserved
        if missing > 0, !waiters.isEmpty || heldCount + received.fresh.count > configuration.capacity { return nil }
        return (received.report, store(received.fresh, now: now))
    }

    /// Whether a deduplication key of theirs is known by now.
    func knowsAny(of emissions: [Emission], now: Date) throws(EmitError) -> Bool {
        for emission in emissions {
            if let key = emission.deduplication, try deduplication.firstID(for: key, now: now) != nil { return true }
        }
        return false
    }

    /// The id of the event that a deduplication key stands for.
    func firstID(for key: Emission.Deduplication, now: Date) throws(EmitError) -> EventID? {
        try deduplication.firstID(for: key, now: now)
    }

    func withoutKnown(
        _ emissions: [Emission], now: Date
    ) throws(EmitError) -> (fresh: [Emission], ids: [EventID]) {
        var fresh: [Emission] = []
        var ids: [EventID] = []
        var seen: [String: DeduplicationRecord] = [:]
        for emission in emissions {
            if let key = emission.deduplication {
                let known = try deduplication.firstID(for: key, now: now)
                let first = if let known { known } else { try seen[key.key]?.firstID(for: key, now: now) }
                if let first {
                    ids.append(first)
                    continue
                }
                seen[key.key] = DeduplicationRecord(
                    id: emission.envelope.id, fingerprint: key.fingerprint, emittedAt: now)
            }
            fresh.append(emission)
            ids.append(emission.envelope.id)
        }
        return (fresh, ids)
    }

    mutating func store(_ emissions: [Emission], now: Date) -> StorageChange {
        var change: StorageChange = []
        for emission in emissions {
            if let key = emission.deduplication {
                deduplication.insert(key, id: emission.envelope.id, now: now)
            }
            if let deliverAt = emission.deliverAt, deliverAt > now {
                delayed.insert(emission.box, deliverAt: deliverAt)
                change.insert(.delayed)
            } else {
                log.append(emission.box)
                change.insert(.claimable)
            }
        }
        if attached.isEmpty { floor = tail }
        trim()
        return change
    }

    /// Reserves room, if it is there at once.
    mutating func grant(_ count: Int) -> Bool {
        guard waiters.isEmpty, heldCount + count <= configuration.capacity else { return false }
        reservedCount += count
        return true
    }

    /// Gives granted room back.
    mutating func giveBack(_ count: Int) -> [RoomWaiter] {
        reservedCount -= count
        return grantRoom()
    }

    // MARK: Waiting for room

    mutating func nextWaiterID() -> UInt64 {
        lastWaiterID += 1
        return lastWaiterID
    }

    mutating func wait(_ waiter: RoomWaiter) -> [RoomWaiter] {
        waiters.append(waiter)
        return grantRoom()
    }

    mutating func removeWaiter(_ id: UInt64) -> RoomWaiter? {
        waiters.firstIndex { $0.id == id }.map { waiters.remove(at: $0) }
    }

    /// Reserves room for those who wait, first come first served.
    mutating func grantRoom() -> [RoomWaiter] {
        var granted: [RoomWaiter] = []
        while let first = waiters.first, heldCount + first.count <= configuration.capacity {
            reservedCount += first.count
            granted.append(waiters.removeFirst())
        }
        return granted
    }

    // MARK: Owning

    mutating func attach(
        _ registrations: [SubscriptionRegistration], now: Date, wake: @escaping @Sendable (StorageChange) -> Void
    ) throws -> [SubscriptionPlace] {
        guard self.wake == nil else { throw StorageError.alreadyDelivering }
        self.wake = wake
        attached = Set(registrations.map(\.name))
        let places = registrations.map { registration in
            var subscription =
                subscriptions[registration.name]
                ?? MemorySubscription(
                    name: registration.name, start: registration.start == .beginning ? firstSequence : tail)
            subscription.types = registration.types
            subscription.begin(from: firstSequence)
            if registration.retriesParked { subscription.unpark(due: now) }
            subscriptions[registration.name] = subscription
            return SubscriptionPlace(orderedKeys: subscription.orderedKeys())
        }
        settledFurther()
        return places
    }

    mutating func detach() {
        wake = nil
        for name in subscriptions.keys { subscriptions[name]?.releaseAll() }
    }

    /// Forgets a subscription without an engine.
    mutating func remove(_ name: String) throws(StorageError) -> DeliveryCounts? {
        guard wake == nil || !attached.contains(name) else { throw StorageError.alreadyDelivering }
        let counts = counts(subscription: name)
        guard let removed = subscriptions.removeValue(forKey: name) else { return nil }
        exceptionCount -= removed.exceptions.count
        attached.remove(name)
        settledFurther()
        return counts
    }
}

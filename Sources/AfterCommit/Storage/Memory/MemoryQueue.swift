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

    private let configuration: InMemoryStorage.Configuration
    private var log: Deque<EnvelopeBox> = []
    private var firstSequence: UInt64 = 1
    /// Every event below is settled by all subscriptions.
    private var floor: UInt64 = 1
    private var exceptionCount = 0
    private var reservedCount = 0
    private var waiters: Deque<RoomWaiter> = []
    private var lastWaiterID: UInt64 = 0
    private(set) var wake: (@Sendable (StorageChange) -> Void)?
    private var delayed = MemoryDelayed()
    private var deduplication = MemoryDeduplication()
    var subscriptions: [String: MemorySubscription] = [:]
    /// Those that the last engine delivered to. Others hold no events back: the emitter never pays for them.
    private var attached: Set<String> = []

    init(configuration: InMemoryStorage.Configuration) {
        self.configuration = configuration
    }

    private var tail: UInt64 { firstSequence + UInt64(log.count) }

    private var heldCount: Int { Int(tail - floor) + exceptionCount + reservedCount + delayed.count }

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
    }

    /// Stores all of them, or none when there is no room. `reserved` of the room were granted before and are given back.
    /// - Throws: ``EmitError`` for a deduplication key that stands for another payload; nothing is stored then.
    mutating func append(
        _ emissions: [Emission], reserved: Int, now: Date
    ) throws(EmitError) -> Appended {
        reservedCount -= reserved
        let (fresh, ids) = try withoutKnown(emissions, now: now)
        let missing = fresh.count - reserved
        if missing > 0, !waiters.isEmpty || heldCount + fresh.count > configuration.capacity {
            return .full(fresh.count)
        }
        return .stored(ids, store(fresh, now: now))
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

    private func withoutKnown(
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

    private mutating func store(_ emissions: [Emission], now: Date) -> StorageChange {
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

    // MARK: Delayed events

    mutating func publishDelayed(dueBy now: Date) -> (nextDue: Date?, published: Bool) {
        let due = delayed.takeDue(by: now)
        log.append(contentsOf: due)
        if attached.isEmpty { floor = tail }
        return (delayed.nextDue, !due.isEmpty)
    }

    func delayedEvents(after id: EventID?, limit: Int) -> [DelayedEvent] {
        delayed.list(after: id, limit: limit)
    }

    mutating func cancelDelayed(_ ids: [EventID]) -> [EventID] {
        ids.filter { delayed.remove($0) }
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

    // MARK: Delivering

    /// Hands out these, wherever they wait.
    mutating func claim(_ sequences: [UInt64], subscription name: String) -> [ClaimedDelivery] {
        sequences.compactMap { sequence in
            let logged = sequence >= firstSequence && sequence < tail ? log[Int(sequence - firstSequence)] : nil
            return subscriptions[name]?.claim(sequence, logged: logged)
        }
    }

    mutating func claim(_ request: ClaimRequest) -> ClaimedBatch {
        guard var subscription = subscriptions.removeValue(forKey: request.subscription) else {
            return ClaimedBatch()
        }
        let settledBefore = subscription.cursor.settledBelow
        var batch = ClaimedBatch()
        let hasNew = request.includesNew && subscription.cursor.hasClaimable(below: tail)
        let dueLimit = hasNew ? max(1, request.limit / 2) : request.limit
        subscription.claimDue(now: request.now, limit: dueLimit, into: &batch)
        if request.includesNew {
            while batch.deliveries.count < request.limit,
                let sequence = subscription.cursor.claimNext(below: tail)
            {
                let box = log[Int(sequence - firstSequence)]
                if subscription.handles(box.envelope.type) {
                    batch.deliveries.append(ClaimedDelivery(sequence: sequence, box: box))
                } else {
                    subscription.cursor.settle([sequence])
                }
            }
        }
        batch.hasMore = subscription.cursor.hasClaimable(below: tail)
        batch.reached = subscription.cursor.reached
        subscriptions[request.subscription] = subscription
        // Events of types it does not handle may have made room.
        if subscription.cursor.settledBelow > settledBefore { settledFurther(from: settledBefore) }
        return batch
    }

    mutating func settle(_ batch: SettlementBatch, now: Date) -> (report: SettlementReport, change: StorageChange) {
        guard var subscription = subscriptions.removeValue(forKey: batch.subscription) else {
            return (SettlementReport(), [])
        }
        let settledBefore = subscription.cursor.settledBelow
        let exceptionsBefore = subscription.exceptions.count
        var report = subscription.settle(batch, maxDeadLetters: configuration.maxDeadLetters)
        exceptionCount += subscription.exceptions.count - exceptionsBefore
        subscriptions[batch.subscription] = subscription
        var change: StorageChange = []
        for emission in batch.emissions(without: report.stale) {
            // Past the capacity, which handlers must not wait for: what is in flight bounds it.
            do throws(EmitError) {
                change.formUnion(store(try withoutKnown([emission], now: now).fresh, now: now))
            } catch {
                report.refusedEmissions.append(emission.deduplication?.key ?? "")
            }
        }
        settledFurther(from: settledBefore)
        return (report, change)
    }

    /// Settles one delivery as delivered.
    /// - Returns: false where it was settled already.
    mutating func settle(_ delivery: DeliveryID, now: Date) -> Bool {
        settle(SettlementBatch(subscription: delivery.subscription, delivered: [delivery.sequence]), now: now)
            .report.stale.isEmpty
    }

    func isSettled(_ delivery: DeliveryID) -> Bool {
        subscriptions[delivery.subscription]?.isSettled(delivery.sequence) ?? true
    }

    /// A subscription has settled what came after `before`: if it was the last, there is room.
    private mutating func settledFurther(from before: UInt64) {
        if before <= floor { settledFurther() }
    }

    private mutating func settledFurther() {
        var settled = tail
        for name in attached { settled = min(settled, subscriptions[name]?.cursor.settledBelow ?? settled) }
        floor = settled
        trim()
    }

    /// Forgets settled events beyond those retained, many at a time.
    private mutating func trim() {
        let removable = min(Int(floor - firstSequence), log.count - configuration.retainedEvents)
        guard removable > max(256, configuration.retainedEvents / 4) else { return }
        log.removeFirst(removable)
        firstSequence += UInt64(removable)
    }

    // MARK: Inspecting

    func counts(subscription name: String) -> DeliveryCounts {
        guard let subscription = subscriptions[name] else { return DeliveryCounts() }
        var counts = subscription.exceptionCounts()
        for sequence in max(firstSequence, subscription.cursor.settledBelow)..<tail
        where !subscription.cursor.isSettled(sequence)
            && subscription.types.contains(log[Int(sequence - firstSequence)].envelope.type)
        {
            counts.pending += 1
            if counts.oldestPending == nil {
                counts.oldestPending = log[Int(sequence - firstSequence)].envelope.time
            }
        }
        return counts
    }

    /// From the subscription's place and the log's end, without looking at the events between.
    func backlog(subscription name: String) -> BacklogEstimate {
        guard let subscription = subscriptions[name] else {
            return BacklogEstimate(DeliveryCounts(), appended: tail - 1)
        }
        var counts = subscription.exceptionCounts()
        counts.pending = subscription.cursor.unsettledCount(below: tail)
        let first = max(firstSequence, subscription.cursor.settledBelow)
        if counts.pending > 0, first < tail {
            counts.oldestPending = log[Int(first - firstSequence)].envelope.time
        }
        return BacklogEstimate(counts, appended: tail - 1)
    }

    func deliveries(_ query: DeliveryQuery) -> [DeliveryRecord] {
        let chosen = subscriptions.values
            .filter { query.subscription == nil || $0.name == query.subscription }
            .sorted { $0.name < $1.name }
        let after = query.after ?? 0
        var kept: Set<UInt64> = []
        for subscription in chosen {
            kept.formUnion(subscription.exceptions.keys)
            kept.formUnion(subscription.deadLetters.keys)
        }
        let trimmed = kept.filter { $0 < firstSequence && $0 > after }.sorted()
        let first = after < tail ? max(firstSequence, after + 1) : tail
        var records: [DeliveryRecord] = []
        for sequence in trimmed + Array(first..<max(first, tail)) where records.count < query.limit {
            let logged = sequence >= firstSequence ? log[Int(sequence - firstSequence)].envelope : nil
            for subscription in chosen {
                if let record = subscription.record(sequence, logged: logged),
                    query.matches(record.envelope),
                    query.state == nil || query.state == record.state
                {
                    records.append(record)
                }
            }
        }
        return records
    }

    func deadLetters(_ query: DeadLetterQuery) -> [DeadLetter] {
        let letters = subscriptions.values
            .filter { query.subscription == nil || $0.name == query.subscription }
            .flatMap(\.deadLetters.values)
            .filter { query.matches($0) }
            .filter { letter in
                query.after.map { ($0.sequence, $0.subscription) < (letter.id.sequence, letter.id.subscription) }
                    ?? true
            }
            .sorted { ($0.id.sequence, $0.id.subscription) < ($1.id.sequence, $1.id.subscription) }
        return Array(letters.prefix(max(0, query.limit)))
    }

    // MARK: Dead letters

    mutating func redrive(_ ids: [DeliveryID], now: Date) -> [DeliveryID] {
        ids.filter { id in
            let redriven = subscriptions[id.subscription]?.redrive(id.sequence, now: now) ?? false
            if redriven { exceptionCount += 1 }
            return redriven
        }
    }

    mutating func deleteDeadLetters(_ ids: [DeliveryID]) -> [DeliveryID] {
        ids.filter { subscriptions[$0.subscription]?.deleteDeadLetter($0.sequence) ?? false }
    }
}

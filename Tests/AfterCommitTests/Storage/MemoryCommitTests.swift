import Foundation
import Synchronization
import Testing

@testable import AfterCommit

/// What a commit of the storage in memory finds when its turn comes: the delivery in other hands, the room taken.
@Suite(.timeLimit(.minutes(1))) struct MemoryCommitTests {
    private let table = Table<String, Int>("effects")
    private let delivery = DeliveryID(subscription: "probe", sequence: 1)
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    /// A storage with an owner who has claimed its first events.
    private func storage(capacity: Int = 100, events: Int = 1) async throws -> InMemoryStorage {
        let storage = InMemoryStorage(configuration: .init(capacity: capacity))
        _ = try await storage.attach([SubscriptionRegistration(name: "probe", types: ["*"])]) { _ in }
        for number in 1...events { try await storage.emit(Probe(number: number), options: EmitOptions()) }
        let batch = try await storage.claim(
            ClaimRequest(subscription: "probe", limit: events, now: now, includesNew: true))
        #expect(batch.deliveries.count == events)
        return storage
    }

    /// Settles the delivery in a transaction that writes and emits; `meanwhile` comes before its commit.
    private func settleLate(
        _ storage: InMemoryStorage, meanwhile: @escaping @Sendable (inout MemoryQueue, ClaimedDelivery) -> Void
    ) async throws -> Int? {
        let table = table
        let envelope = try #require(try await storage.deliveries(DeliveryQuery()).first?.envelope)
        let claimed = ClaimedDelivery(sequence: delivery.sequence, envelope: envelope)
        return try await storage.transaction(settling: delivery) { tx in
            try tx.put(1, for: "effect", in: table)
            try tx.emit(Effect(number: 1), options: EmitOptions())
            storage.queue.withLock { meanwhile(&$0, claimed) }
            return 1
        }
    }

    private func effects(_ storage: InMemoryStorage) async throws -> (rows: Int, events: Int) {
        let table = table
        let rows = try await storage.read { try $0.count(of: table) }
        return (rows, try await storage.deliveries(DeliveryQuery()).filter { $0.envelope.type == Effect.type }.count)
    }

    @Test func oneThatIsClaimedIsSettledWithItsEffects() async throws {
        let storage = try await storage()
        #expect(try await settleLate(storage) { _, _ in } == 1)
        #expect(try await effects(storage) == (1, 1))
        #expect(try await storage.deliveries(DeliveryQuery()).map(\.state) == [.delivered, .pending])
    }

    @Test func oneThatIsStoredForARetryIsNotSettledLate() async throws {
        let (storage, now) = (try await storage(), now)
        let error = await #expect(throws: StorageError.self) {
            try await settleLate(storage) { queue, claimed in
                let retrying = Settlement(
                    delivery: claimed, outcome: .retrying(due: now, history: DeliveryHistory(attempts: 1)))
                _ = queue.settle(SettlementBatch(subscription: "probe", exceptions: [retrying]), now: now)
            }
        }
        #expect(error?.code == .notClaimed)
        #expect(try await effects(storage) == (0, 0))
        #expect(try await storage.counts(subscription: "probe").retrying == 1)
    }

    @Test func oneThatIsDeadIsNotSettledLate() async throws {
        let (storage, now, delivery) = (try await storage(), now, delivery)
        let result = try await settleLate(storage) { queue, claimed in
            let letter = DeadLetter(
                id: delivery, envelope: claimed.envelope, reason: .exhausted, history: DeliveryHistory(),
                deadSince: now, blocksKey: false)
            let dead = Settlement(delivery: claimed, outcome: .deadLettered(letter))
            _ = queue.settle(SettlementBatch(subscription: "probe", exceptions: [dead]), now: now)
        }
        #expect(result == nil)
        #expect(try await effects(storage) == (0, 0))
        #expect(try await storage.counts(subscription: "probe").deadLettered == 1)
    }

    @Test func oneThatWasGivenBackIsNotSettledLate() async throws {
        let storage = try await storage()
        let error = await #expect(throws: StorageError.self) {
            try await settleLate(storage) { queue, claimed in
                queue.subscriptions["probe"]?.release([claimed.sequence])
            }
        }
        #expect(error?.code == .notClaimed)
        #expect(try await effects(storage) == (0, 0))
        #expect(try await storage.counts(subscription: "probe").pending == 1)
    }

    // MARK: Room

    @Test func aRefusedEmitGrantsItsRoomToWhoWaits() async throws {
        let storage = try await storage(capacity: 2)
        let key = EmitOptions(deduplicationKey: "key")
        let first = try storage.envelopes.emission(Probe(number: 1), options: key, form: .value)
        let other = try storage.envelopes.emission(Probe(number: 2), options: key, form: .value)
        let taken = try #require(first.deduplication)
        storage.queue.withLock { $0.deduplication.insert(taken, id: first.envelope.id, now: .now) }
        let room = try await storage.reserveRoom(for: 1)
        let waiting = Task { try await storage.emit(Probe(number: 3), options: EmitOptions()) }
        while storage.queue.withLock({ $0.waiters.isEmpty }) { await Task.yield() }
        await #expect(throws: EmitError.self) { try await storage.emit([other], into: room) }
        _ = try await waiting.value
        #expect(storage.queue.withLock { $0.reservedCount } == 0)
    }

    @Test func aRefusedTransactionGivesBackTheRoomItWaitedFor() async throws {
        let storage = try await storage(capacity: 1)
        let key = EmitOptions(deduplicationKey: "key")
        let taken = try storage.envelopes.emission(Probe(number: 1), options: key, form: .value)
        let running = Task {
            try await storage.transaction { tx in
                try tx.emit(Probe(number: 2), options: key)
                // Somebody is quicker, once there is room.
                storage.queue.withLock { queue in
                    guard queue.reservedCount > 0, let key = taken.deduplication else { return }
                    queue.deduplication.insert(key, id: taken.envelope.id, now: .now)
                }
            }
        }
        while storage.queue.withLock({ $0.waiters.isEmpty }) { await Task.yield() }
        _ = try await storage.settle(SettlementBatch(subscription: "probe", delivered: [1]))
        await #expect(throws: EmitError.self) { try await running.value }
        #expect(storage.queue.withLock { $0.reservedCount } == 0)
        try await storage.emit(Probe(number: 3), options: EmitOptions())
    }

    @Test func aTransactionThatSettlesTakesTheReserve() async throws {
        let storage = try await storage(capacity: 2, events: 2)
        for sequence: UInt64 in 1...2 {
            try await storage.transaction(settling: DeliveryID(subscription: "probe", sequence: sequence)) { tx in
                for number in 1...3 { try tx.emit(Effect(number: number), options: EmitOptions()) }
            }
        }
        #expect(try await effects(storage).events == 6)
    }

    // MARK: Delayed

    @Test func theNextDelayedEventIsTheFirstThatWasNotCancelled() async throws {
        let storage = InMemoryStorage()
        var delayed = MemoryDelayed()
        let emissions = try (1...4).map { number in
            try storage.envelopes.emission(Probe(number: number), options: EmitOptions(), form: .value)
        }
        for (offset, emission) in emissions.enumerated() {
            delayed.insert(emission.box, deliverAt: now + Double(offset))
        }
        var dates = [delayed.nextDue()]
        let removed = [delayed.remove(emissions[0].envelope.id), delayed.remove(emissions[1].envelope.id)]
        dates.append(delayed.nextDue())
        let taken = delayed.takeDue(by: now + 2)
        dates.append(delayed.nextDue())
        _ = delayed.remove(emissions[3].envelope.id)
        dates.append(delayed.nextDue())
        #expect(dates == [now, now + 2, now + 3, nil])
        #expect(removed == [true, true])
        #expect(taken.map(\.envelope.id) == [emissions[2].envelope.id])
    }
}

#if LMDB
import AfterCommit
import Foundation
import Logging
import Synchronization
import Testing

@testable import AfterCommitLMDB

@Suite(.timeLimit(.minutes(5))) struct FaultSpaceTests {
    private let small = LMDBStorage.Configuration(maxBytes: 2 << 20)
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Emits until the store is full.
    /// - Returns: how many were accepted.
    private func fill(_ storage: LMDBStorage) async throws -> Int {
        var count = 0
        while count < 100_000 {
            do {
                try await storage.emit(
                    contentsOf: (0..<20).map {
                        OrderPlaced(number: $0, filler: String(repeating: "x", count: 500))
                    },
                    headers: [:])
                count += 20
            } catch let error as StorageError where error.code == .storageFull {
                return count
            }
        }
        return count
    }

    @Test("Fault 5: at its limit a store refuses emits, settles, and recovers")
    func fullStoreRefusesEmitsSettlesAndRecovers() async throws {
        try await withStorage(configuration: small) { storage in
            _ = try await storage.attach()
            let count = try await fill(storage)
            #expect((1_000..<4_000).contains(count))
            let error = await #expect(throws: StorageError.self) {
                try await storage.transaction { tx in
                    for number in 0..<20 {
                        try tx.emit(OrderPlaced(number: number, filler: String(repeating: "x", count: 500)))
                    }
                }
            }
            #expect(error?.code == .storageFull)
            // Reads and settlements go on, and everything that was accepted is there.
            var settled = 0
            while true {
                let batch = try await storage.claim(limit: 100)
                if batch.deliveries.isEmpty { break }
                settled += batch.deliveries.count
                _ = try await storage.settle(
                    SettlementBatch(subscription: "ledger", delivered: batch.deliveries.map(\.sequence)))
            }
            #expect(settled == count)
            // What was settled makes room, whatever the retention.
            #expect(try await fill(storage) > count / 2)
        }
    }

    @Test("Fault 5: at its limit a store still takes dead letters and redrives")
    func fullStoreStillTakesDeadLettersAndRedrives() async throws {
        try await withStorage(configuration: small) { storage in
            _ = try await storage.attach()
            _ = try await fill(storage)
            let deliveries = try await storage.claim(limit: 50).deliveries
            let letters = deliveries.map { delivery in
                Settlement(
                    delivery: delivery,
                    outcome: .deadLettered(
                        DeadLetter(
                            id: DeliveryID(subscription: "ledger", sequence: delivery.sequence),
                            envelope: delivery.envelope, reason: .exhausted, history: DeliveryHistory(),
                            deadSince: Date(timeIntervalSince1970: 0), blocksKey: false)))
            }
            _ = try await storage.settle(SettlementBatch(subscription: "ledger", exceptions: letters))
            let ids = try await storage.deadLetters(DeadLetterQuery(limit: 50)).map(\.id)
            #expect(try await storage.redrive(ids).count == 50)
        }
    }

    @Test("Fault 5: at its limit a store still takes what a transactional handler emits")
    func fullStoreStillTakesWhatTransactionalHandlersEmit() async throws {
        try await withStorage(configuration: small) { storage in
            _ = try await storage.attach()
            let count = try await fill(storage)
            let sequences = try await storage.claim(limit: 50).deliveries.map(\.sequence)
            for sequence in sequences {
                let settled: Void? = try await storage.transaction(
                    settling: DeliveryID(subscription: "ledger", sequence: sequence)
                ) { tx in
                    try tx.emit(OrderPlaced(number: count, filler: String(repeating: "x", count: 500)))
                }
                #expect(settled != nil)
            }
            #expect(try await storage.counts(subscription: "ledger").pending == count)
        }
    }

    @Test("Fault 5: at its limit a store still takes the rows of transactional handlers, which make room")
    func fullStoreTakesRowsOfTransactionalHandlers() async throws {
        try await withStorage(configuration: small) { storage in
            _ = try await storage.attach()
            var count = try await fill(storage)
            // To the last byte.
            while (try? await storage.emit([count])) != nil { count += 1 }
            storage.detach()
            let ledger = storage.subscription("ledger", to: OrderPlaced.self) { event, tx, context in
                try tx.put(Order(number: event.number, total: 1), for: context.delivery.sequence, in: orders)
            }
            let engine = try await EventEngine(
                storage: storage, logger: quiet, subscriptions: [ledger])
            try await engine.drain()
            let totals = try await engine.status().first?.totals
            #expect(totals?.delivered == count)
            #expect(totals?.failedAttempts == 0)
            #expect(try await storage.read { try $0.count(of: orders) } == count)
        }
    }

    @Test("Fault 5: past the reserve a transactional handler waits, and no attempt is charged")
    func handlersWaitForRoom() async throws {
        try await withStorage(configuration: small) { storage in
            let blobs = Table<UInt64, Data>.raw("blobs")
            let ledger = storage.subscription(
                "ledger", to: OrderPlaced.self,
                policy: DeliveryPolicy(maxRetries: 50, backoff: .constant(.milliseconds(10)))
            ) { event, tx, context in
                try tx.put(Data(count: 100_000), for: context.delivery.sequence, in: blobs)
            }
            let engine = try await EventEngine(storage: storage, logger: quiet, subscriptions: [ledger])
            try await storage.emit(1...30)
            let running = Task { try await engine.run() }
            try await eventually { try await engine.status().first?.parked == .storageFull }
            let attempts = try await engine.status().first?.totals.attempts ?? 0
            try await eventually { try await engine.status().first?.totals.attempts ?? 0 > attempts + 2 }
            let counts = try await storage.counts(subscription: "ledger")
            #expect(counts.retrying == 0 && counts.deadLettered == 0)
            // Room for all of them, bit by bit. Who loses it to others again and again is charged, and tries on.
            let kept = Mutex(Set<UInt64>())
            try await eventually {
                let rows = try await storage.read { try $0.entries(in: blobs, after: nil, limit: 100).map(\.key) }
                kept.withLock { $0.formUnion(rows) }
                try await storage.transaction { tx in for key in rows { try tx.removeValue(for: key, in: blobs) } }
                return kept.withLock { $0.count } == 30
            }
            #expect(try await storage.counts(subscription: "ledger").deadLettered == 0)
            running.cancel()
            try await running.value
        }
    }

    @Test func settledEventsAreForgottenAfterTheirRetention() async throws {
        let clock = FixedWallClock()
        let configuration = LMDBStorage.Configuration(retention: .seconds(60))
        try await withStorage(configuration: configuration, clock: clock) { storage in
            _ = try await storage.attach()
            try await storage.emit(1...10)
            let batch = try await storage.claim(limit: 8)
            let retrying = Settlement(
                delivery: batch.deliveries[1],
                outcome: .retrying(due: clock.now(), history: DeliveryHistory(attempts: 1)))
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger", delivered: [1, 3, 4, 5, 6, 7, 8], exceptions: [retrying]))
            clock.advance(by: 61)
            try await storage.emit([11])
            try await storage.trimNow()
            let states = try await storage.deliveries(DeliveryQuery()).map { ($0.id.sequence, $0.state) }
            // The one that retries owns its envelope; those that are pending stay however old.
            #expect(states.map(\.0) == [2, 9, 10, 11])
            #expect(states.map(\.1) == [.retrying, .pending, .pending, .pending])
            #expect(try storage.numbers(try await storage.claim(now: clock.now())) == [2, 9, 10, 11])
        }
    }

    @Test func settledEventsBeyondTheSizeToRetainAreForgotten() async throws {
        let configuration = LMDBStorage.Configuration(maxRetainedBytes: 64 << 10)
        try await withStorage(configuration: configuration) { storage in
            _ = try await storage.attach()
            try await storage.emit(1...2_000)
            let batch = try await storage.claim(limit: 2_000)
            _ = try await storage.settle(
                SettlementBatch(subscription: "ledger", delivered: batch.deliveries.map(\.sequence)))
            try await storage.trimNow()
            let left = try await storage.deliveries(DeliveryQuery(limit: 5_000)).count
            #expect((100..<600).contains(left))
        }
    }

    @Test func aSubscriptionThatLagsKeepsItsEvents() async throws {
        let clock = FixedWallClock()
        let configuration = LMDBStorage.Configuration(retention: .zero, maxRetainedBytes: 0)
        try await withStorage(configuration: configuration, clock: clock) { storage in
            let registrations = ["fast", "slow"].map {
                SubscriptionRegistration(name: $0, types: EventTypeSelection(types: [OrderPlaced.type]))
            }
            _ = try await storage.attach(registrations, wake: { _ in })
            try await storage.emit(1...100)
            let batch = try await storage.claim("fast", limit: 100)
            _ = try await storage.settle(
                SettlementBatch(subscription: "fast", delivered: batch.deliveries.map(\.sequence)))
            clock.advance(by: 100)
            try await storage.trimNow()
            #expect(try storage.numbers(try await storage.claim("slow")) == Array(1...100))
        }
    }

    @Test func largeTransactionCommitsWhole() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            try await storage.emit(0..<60_000)
            #expect(try await storage.counts(subscription: "ledger").pending == 60_000)
        }
    }
}

extension LMDBStorage {
    /// Trims what is due, without waiting for the next time.
    func trimNow() async throws {
        let configuration = context.configuration
        try await write(
            WriteRequest(bytes: 1) { group in
                var trimmer = Trimmer(configuration: configuration)
                try trimmer.trimIfDue(group)
            })
    }
}
#endif

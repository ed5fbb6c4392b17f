#if LMDB
import AfterCommit
import Foundation
import Logging
import Synchronization
import Testing

@testable import AfterCommitLMDB

/// FAULT 13, for what left the log's straight way before it was damaged.
@Suite(.timeLimit(.minutes(1))) struct FaultDamagedDeliveryTests {
    /// Refuses some numbers until it is mended, and notes the others.
    private final class Handler: Sendable {
        let refused: Mutex<Set<Int>>
        let handled = Mutex<[Int]>([])

        init(refusing refused: Set<Int>) { self.refused = Mutex(refused) }

        var numbers: [Int] { handled.withLock(\.self) }

        func mend() { refused.withLock { $0 = [] } }

        func subscription(_ whenKeyExhausted: DeliveryPolicy.KeyExhaustion = .block) -> Subscription {
            Subscription(
                "ledger", to: OrderPlaced.self, policy: DeliveryPolicy(whenKeyExhausted: whenKeyExhausted)
            ) { event, _ in
                if self.refused.withLock({ $0.contains(event.number) }) { throw Refusal() }
                self.handled.withLock { $0.append(event.number) }
            }
        }
    }

    private func running(
        _ storage: LMDBStorage, _ subscription: Subscription, _ clock: FixedWallClock,
        _ body: (EventEngine) async throws -> Void
    ) async throws {
        let engine = try await EventEngine(
            storage: storage, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, wallClock: clock,
            subscriptions: [subscription])
        let running = Task { try await engine.run() }
        do {
            try await engine.waitUntilIdle()
            try await body(engine)
        } catch {
            running.cancel()
            throw error
        }
        running.cancel()
        try await running.value
    }

    private func dead(_ storage: LMDBStorage) async throws -> [DeadLetter] {
        try await storage.deadLetters(DeadLetterQuery())
    }

    @Test("Fault 13: the dead letter of a damaged event dies again when it is redriven, and no handler gets its bytes")
    func redrivenDamagedEvent() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            try await storage.emit(1...3)
            try await storage.damageLogged(2)
            let claimed = try await storage.claim().deliveries
            #expect(claimed.map(\.sequence) == [1, 2, 3])
            #expect(claimed.map(\.isDamaged) == [false, true, false])
            storage.detach()
            let handler = Handler(refusing: [])
            try await running(storage, handler.subscription(), FixedWallClock()) { _ in }
            let letters = try await dead(storage)
            #expect(letters.map(\.id.sequence) == [2])
            _ = try await storage.attach()
            #expect(try await storage.redrive(letters.map(\.id)) == letters.map(\.id))
            let again = try await storage.claim(now: .distantFuture).deliveries
            #expect(again.map(\.sequence) == [2])
            #expect(again.map(\.isDamaged) == [true])
            #expect(again.map(\.envelope.id) == letters.map(\.envelope.id))
            #expect(
                try again.map { try $0.envelope.bytes(using: storage.coder) }
                    == letters.map { try $0.envelope.bytes(using: storage.coder) })
            storage.detach()
            try await running(storage, handler.subscription(), FixedWallClock()) { engine in try await engine.drain() }
            #expect(handler.numbers.sorted() == [1, 3])
            let dead = try await dead(storage)
            #expect(dead.map(\.id) == letters.map(\.id))
            #expect(dead.map(\.history.replayCount) == [1])
        }
    }

    @Test("Fault 13: a dead letter that cannot be read stays dead, and the others are redriven")
    func damagedDeadLetter() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            try await storage.emit(1...3)
            let claimed = try await storage.claim().deliveries
            let letters = claimed.map { delivery in
                DeadLetter(
                    id: DeliveryID(subscription: "ledger", sequence: delivery.sequence), envelope: delivery.envelope,
                    reason: .exhausted, history: DeliveryHistory(), deadSince: Date(timeIntervalSince1970: 0),
                    blocksKey: false)
            }
            let settlements = zip(claimed, letters).map { Settlement(delivery: $0, outcome: .deadLettered($1)) }
            _ = try await storage.settle(SettlementBatch(subscription: "ledger", exceptions: settlements))
            try await storage.damageDeadLetter(2)
            let ids = letters.map(\.id)
            #expect(try await storage.redrive(ids) == [ids[0], ids[2]])
            #expect(try await storage.counts(subscription: "ledger").deadLettered == 1)
            #expect(try await storage.deleteDeadLetters(ids) == [ids[1]])
        }
    }

    @Test("Fault 13: a retry whose row or event is damaged becomes a dead letter when it is due")
    func damagedRetries() async throws {
        let clock = FixedWallClock()
        try await withStorage(clock: clock) { storage in
            let handler = Handler(refusing: [1, 2, 3])
            try await running(storage, handler.subscription(), clock) { engine in
                try await engine.emit(contentsOf: (1...3).map { OrderPlaced(number: $0) })
                try await engine.waitUntilIdle()
                #expect(try await storage.counts(subscription: "ledger").retrying == 3)
                try await storage.damageException(1)
                try await storage.damageLogged(2)
                handler.mend()
                #expect(try await dead(storage).isEmpty, "not before they are due")
                clock.advance(by: 60)
                try await engine.waitUntilIdle()
                #expect(handler.numbers == [3])
                #expect(try await engine.status().first?.totals.deadLettered == 2)
            }
            let letters = try await dead(storage)
            #expect(letters.map(\.id.sequence) == [1, 2])
            #expect(letters.allSatisfy { $0.reason == .malformed && $0.history.failures.last?.errorType == "damaged" })
            #expect(letters[0].envelope.type == OrderPlaced.type, "its event is whole in the log")
            #expect(letters[1].history.attempts > 1, "its row is whole")
            let logged = try letters[1].envelope.bytes(using: storage.coder)
            #expect(logged.range(of: Data(OrderPlaced.type.rawValue.utf8)) != nil, "the event's bytes, not the row's")
            #expect(try await storage.entries(of: \.exceptions) == 0)
            #expect(try await storage.entries(of: \.due) == 0)
        }
    }

    /// Whether the event in the log is damaged too: then the key of the row is known to the engine alone.
    @Test("Fault 13: a damaged retry holds its key as its policy says", arguments: [true, false], [true, false])
    func damagedHead(isEventDamaged: Bool, blocks: Bool) async throws {
        let clock = FixedWallClock()
        try await withStorage(clock: clock) { storage in
            let handler = Handler(refusing: [1])
            try await running(storage, handler.subscription(blocks ? .block : .skip), clock) { engine in
                try await engine.emit(contentsOf: (1...3).map { OrderPlaced(number: $0, key: "a") })
                try await engine.waitUntilIdle()
                #expect(try await storage.counts(subscription: "ledger").blocked == 2)
                try await storage.damageException(1)
                if isEventDamaged { try await storage.damageLogged(1) }
                handler.mend()
                clock.advance(by: 60)
                try await engine.waitUntilIdle()
                let letters = try await dead(storage)
                #expect(letters.map(\.id.sequence) == [1])
                #expect(letters.map(\.envelope.orderingKey) == ["a"])
                #expect(letters.map(\.blocksKey) == [blocks])
                if blocks {
                    #expect(handler.numbers.isEmpty)
                    try await engine.deleteDeadLetters(letters.map(\.id))
                    try await engine.waitUntilIdle()
                }
                #expect(handler.numbers == [2, 3])
            }
        }
    }

    @Test(
        "Fault 13: a damaged delivery that waits for its key becomes a dead letter in its place",
        arguments: [true, false])
    func damagedBlocked(restarts: Bool) async throws {
        let clock = FixedWallClock()
        try await withStorage(clock: clock) { storage in
            let handler = Handler(refusing: [1])
            func goOn(_ engine: EventEngine) async throws {
                handler.mend()
                clock.advance(by: 60)
                try await engine.waitUntilIdle()
                #expect(handler.numbers == [1])
                let letters = try await dead(storage)
                #expect(letters.map(\.id.sequence) == [2])
                #expect(letters.map(\.blocksKey) == [true])
                // Its event was whole in the log.
                try await engine.redrive(letters.map(\.id))
                try await engine.waitUntilIdle()
                #expect(handler.numbers == [1, 2, 3])
            }
            try await running(storage, handler.subscription(), clock) { engine in
                try await engine.emit(contentsOf: (1...3).map { OrderPlaced(number: $0, key: "a") })
                try await engine.waitUntilIdle()
                try await storage.damageException(2)
                if !restarts { try await goOn(engine) }
            }
            guard restarts else { return }
            try await running(storage, handler.subscription(), clock) { try await goOn($0) }
        }
    }

    @Test("Fault 13: one whose key is lost becomes a dead letter that holds nothing", arguments: [true, false])
    func damagedBlockedWithoutKey(restarts: Bool) async throws {
        let clock = FixedWallClock()
        try await withStorage(clock: clock) { storage in
            let handler = Handler(refusing: [1])
            func goOn(_ engine: EventEngine) async throws {
                handler.mend()
                clock.advance(by: 60)
                try await engine.waitUntilIdle()
                #expect(handler.numbers == [1, 3])
                #expect(try await dead(storage).map(\.id.sequence) == [2])
                #expect(try await dead(storage).map(\.blocksKey) == [false])
                #expect(try await storage.entries(of: \.exceptions) == 0)
            }
            try await running(storage, handler.subscription(), clock) { engine in
                try await engine.emit(contentsOf: (1...3).map { OrderPlaced(number: $0, key: "a") })
                try await engine.waitUntilIdle()
                try await storage.damageException(2)
                try await storage.damageLogged(2)
                if !restarts { try await goOn(engine) }
            }
            guard restarts else { return }
            try await running(storage, handler.subscription(), clock) { try await goOn($0) }
        }
    }

    @Test("Fault 13: a damaged delivery can be called off")
    func cancelledDamaged() async throws {
        let clock = FixedWallClock()
        try await withStorage(clock: clock) { storage in
            let handler = Handler(refusing: [1])
            try await running(storage, handler.subscription(), clock) { engine in
                try await engine.emit(contentsOf: (1...3).map { OrderPlaced(number: $0, key: "a") })
                try await engine.waitUntilIdle()
                try await storage.damageException(1)
                let id = DeliveryID(subscription: "ledger", sequence: 1)
                #expect(try await engine.cancel([id]) == [id])
                try await engine.waitUntilIdle()
                #expect(handler.numbers == [2, 3])
                #expect(try await dead(storage).map(\.reason) == [.cancelled])
            }
        }
    }
}
#endif

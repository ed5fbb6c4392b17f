import AfterCommitTesting
import Foundation
import Logging
import Testing

@testable import AfterCommit

@Suite("Direct consumers")
struct DirectConsumerTests {
    private struct Placed: Event, Equatable {
        static let type: EventType = "order.placed"
        var number: Int
    }

    private struct Failure: Error {}

    private let broker = InMemoryBroker()
    private let clock = ManualClock()
    private let storage = InMemoryStorage()
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private static let rows = Table<String, String>("rows")

    private func publish(_ number: Int, id: String, type: String = "order.placed", key: String? = nil) {
        broker.publish(
            ForeignMessage(
                body: Array("{\"number\":\(number)}".utf8), contentType: "application/json",
                attributes: ["specversion": "1.0", "id": id, "source": "/s", "type": type], key: key))
    }

    private func running(
        policy: DeliveryPolicy = .standard,
        handler: @escaping @Sendable (Placed, InMemoryTransaction, DirectContext) throws -> Void,
        _ body: (DirectConsumer<InMemoryStorage>) async throws -> Void
    ) async throws {
        var policy = policy
        policy.backoff = .constant(.seconds(1))
        let consumer = try DirectConsumer(
            "ledger", from: broker.source(), inbox: storage, to: Placed.self, policy: policy, logger: logger,
            clock: clock, handler: handler)
        let running = Task { try await consumer.run() }
        try await body(consumer)
        running.cancel()
        try await running.value
    }

    private func until(_ condition: () async throws -> Bool) async throws {
        for _ in 0..<100_000 {
            if try await condition() { return }
            await Task.yield()
        }
        Issue.record("it never came true")
    }

    private func row(_ key: String) async throws -> String? {
        try await storage.transaction { try $0.value(for: key, in: Self.rows) }
    }

    @Test("an event that comes again has its effects once")
    func once() async throws {
        let calls = Locked(0)
        try await running { event, tx, _ in
            calls.withLock { $0 += 1 }
            try tx.insert("\(event.number)", for: "row", in: Self.rows)
        } _: { consumer in
            publish(1, id: "a")
            publish(1, id: "a")
            try await until { broker.count == 0 }
            let totals = await consumer.totals
            #expect(totals.taken == 1)
            #expect(totals.duplicates == 1)
            #expect(calls.withLock { $0 } == 1)
            #expect(try await row("row") == "1")
        }
    }

    @Test("a failing event is tried as its policy says, then rejected with its bytes; its key goes on")
    func rejected() async throws {
        let attempts = Locked<[Int]>([])
        try await running(policy: DeliveryPolicy(maxRetries: 2)) { event, tx, context in
            guard event.number == 1 else { return try tx.put("done", for: "\(event.number)", in: Self.rows) }
            attempts.withLock { $0.append(context.attempt) }
            throw Failure()
        } _: { consumer in
            publish(1, id: "a", key: "k")
            publish(2, id: "b", key: "k")
            for _ in 1...2 {
                await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(1)))
                #expect(try await row("2") == nil)
                clock.advance(by: .seconds(1))
            }
            try await until { broker.count == 0 }
            #expect(attempts.withLock { $0 } == [1, 2, 3])
            #expect(broker.rejectedBodies == [Array("{\"number\":1}".utf8)])
            #expect(try await row("2") == "done")
            #expect(await consumer.totals.rejected == 1)
        }
    }

    @Test("a message that comes again while it is tried has no attempts of its own", arguments: [nil, "k"])
    func joins(key: String?) async throws {
        let attempts = Locked<[Int]>([])
        try await running(policy: DeliveryPolicy(maxRetries: 2)) { event, tx, context in
            attempts.withLock { $0.append(context.attempt) }
            guard context.attempt == 3 else { throw Failure() }
            try tx.insert("done", for: "row", in: Self.rows)
        } _: { consumer in
            publish(1, id: "a", key: key)
            await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(1)))
            broker.interrupt()
            // The source tells of the interruption first, and is asked again after at most 0.1 s.
            try await until { clock.sleepers.count == 2 }
            clock.advance(by: .milliseconds(200))
            try await until { await consumer.totals.duplicates == 1 }
            #expect(attempts.withLock { $0 } == [1])
            clock.advance(by: .milliseconds(800))
            await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(1)))
            clock.advance(by: .seconds(1))
            try await until { broker.count == 0 }
            #expect(attempts.withLock { $0 } == [1, 2, 3])
            #expect(try await row("row") == "done")
            let totals = await consumer.totals
            #expect(totals.taken == 1 && totals.duplicates == 1)
        }
    }

    @Test("messages of one id with different payloads are two: the second one is told of")
    func differs() async throws {
        try await running(policy: DeliveryPolicy(maxRetries: 0)) { event, tx, _ in
            try tx.insert("\(event.number)", for: "row", in: Self.rows)
        } _: { consumer in
            publish(1, id: "a", key: "k")
            publish(2, id: "a", key: "k")
            try await until { broker.count == 0 }
            #expect(broker.rejectedBodies == [Array("{\"number\":2}".utf8)])
            #expect(try await row("row") == "1")
        }
    }

    @Test("what is no event of the type is rejected at once")
    func unreadable() async throws {
        try await running { _, _, _ in
        } _: { consumer in
            publish(1, id: "a", type: "other")
            broker.publish(ForeignMessage(body: [0xFF]))
            broker.publish(
                ForeignMessage(
                    body: Array("[]".utf8),
                    attributes: ["specversion": "1.0", "id": "b", "source": "/s", "type": "order.placed"]))
            try await until { broker.count == 0 }
            #expect(broker.rejectedBodies.count == 3)
            #expect(await consumer.totals.unreadable == 1)
        }
    }

    @Test("a shutdown gives back what was not handled")
    func shutdown() async throws {
        try await running { _, _, _ in
            throw Failure()
        } _: { _ in
            publish(1, id: "a")
            await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(1)))
        }
        #expect(broker.count == 1)
        #expect(broker.rejectedBodies.isEmpty)
    }

    // MARK: Decisions

    @Test("decisions: the inbox's failures cost no attempt, the handler's do, and its outcomes steer")
    func decisions() {
        var random: any RandomNumberGenerator & Sendable = Xoshiro256(seed: 1)
        var policy = DeliveryPolicy(maxRetries: 1, backoff: .constant(.seconds(2)))
        policy.rules = [.on(Failure.self) { _ in .retry(after: .seconds(5)) }]
        func decide(_ error: any Error, _ attempt: Int) -> DirectDecision {
            DirectDecision.decide(error, tries: .init(charged: attempt - 1), policy: policy, random: &random)
        }
        let full = StorageError.storageFull("no room")
        #expect(decide(full, 9) == .retry(after: .seconds(2), isCharged: false))
        let twice = StorageError.duplicateKey(table: "orders")
        #expect(decide(twice, 1) == .retry(after: .seconds(2), isCharged: true))
        guard case .rejected = decide(twice, 2) else {
            Issue.record("it is never rejected")
            return
        }
        #expect(decide(Failure(), 1) == .retry(after: .seconds(5), isCharged: true))
        #expect(decide(Failure(), 2) == .rejected(reason: "2 attempts failed, the last with Failure"))
        #expect(decide(HandlerOutcome.discard("gone"), 1) == .accepted)
        #expect(decide(HandlerOutcome.permanent(Failure()), 1) == .rejected(reason: "Failure"))
        // A newer version: the broker may give it to a binary that knows it.
        #expect(decide(HandlerOutcome.unknownType("x"), 9) == .retry(after: .seconds(2), isCharged: false))
    }
}

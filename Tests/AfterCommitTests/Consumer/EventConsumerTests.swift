import AfterCommitTesting
import Foundation
import Logging
import Testing

@testable import AfterCommit

@Suite("Consumers")
struct EventConsumerTests {
    private struct Placed: Event, Equatable {
        static let type: EventType = "order.placed"
        var number: Int
    }

    private let broker = InMemoryBroker()
    private let clock = ManualClock()
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func consumer(
        into storage: any EventStorage, configuration: ConsumerConfiguration = ConsumerConfiguration()
    ) throws -> EventConsumer {
        var configuration = configuration
        configuration.backoff = .constant(.seconds(1))
        return try EventConsumer(
            "platform", from: broker.source(), into: storage, logger: logger, configuration: configuration,
            clock: clock)
    }

    private func publish(_ number: Int, id: String, type: String = "order.placed") {
        broker.publish(
            ForeignMessage(
                body: Array("{\"number\":\(number)}".utf8), contentType: "application/json",
                attributes: ["specversion": "1.0", "id": id, "source": "/s", "type": type]))
    }

    /// Runs engine and consumer while `body` does.
    private func running(
        _ storage: any EventStorage, _ consumer: EventConsumer, _ subscriptions: [Subscription],
        _ body: (EventEngine) async throws -> Void
    ) async throws {
        let engine = try await EventEngine(
            storage: storage, logger: logger, clock: clock, wallClock: clock.wallClock,
            subscriptions: subscriptions + [consumer.unreadable])
        let services = [Task { try await engine.run() }, Task { try await consumer.run() }]
        try await body(engine)
        for service in services { service.cancel() }
        for service in services { try await service.value }
    }

    private func until(_ condition: () async throws -> Bool) async throws {
        for _ in 0..<100_000 {
            if try await condition() { return }
            await Task.yield()
        }
        Issue.record("it never came true")
    }

    @Test("an event that comes twice is handled once, and counted")
    func duplicates() async throws {
        let storage = InMemoryStorage()
        let consumer = try consumer(into: storage)
        let handler = RecordingHandler<Placed>()
        let subscription = Subscription("count", to: Placed.self) { try await handler($0, $1) }
        try await running(storage, consumer, [subscription]) { engine in
            publish(1, id: "a")
            publish(1, id: "a")
            publish(2, id: "b")
            try await until { await consumer.totals.received == 3 && broker.count == 0 }
            try await engine.drain()
            #expect(handler.calls.map(\.event.number).sorted() == [1, 2])
            let totals = await consumer.totals
            #expect(totals.taken == 2)
            #expect(totals.duplicates == 1)
        }
    }

    @Test("a broker that is away is tried again after each wait, and nothing is lost")
    func away() async throws {
        let storage = InMemoryStorage()
        let consumer = try consumer(into: storage)
        broker.isAway = true
        publish(1, id: "a")
        try await running(storage, consumer, []) { _ in
            await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(1)))
            clock.advance(by: .seconds(1))
            await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(1)))
            #expect(await consumer.totals.failedReceives == 2)
            broker.isAway = false
            clock.advance(by: .seconds(1))
            try await until { await consumer.totals.taken == 1 && broker.count == 0 }
        }
    }

    @Test("events that the storage cannot take are not acknowledged before it can")
    func storageRefuses() async throws {
        let base = InMemoryStorage()
        let storage = FaultInjectingStorage(base)
        let consumer = try consumer(into: storage)
        storage.failEmits(2)
        try await running(storage, consumer, []) { _ in
            publish(1, id: "a")
            await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(1)))
            #expect(broker.count == 1)
            clock.advance(by: .seconds(1))
            await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(1)))
            clock.advance(by: .seconds(1))
            try await until { broker.count == 0 }
            #expect(await consumer.totals.taken == 1)
        }
    }

    @Test("while a batch waits for the storage one more is taken, and it is stored behind it")
    func overlaps() async throws {
        let storage = FaultInjectingStorage(InMemoryStorage())
        let consumer = try consumer(into: storage)
        storage.failEmits(1)
        let handler = RecordingHandler<Placed>()
        let subscription = Subscription("count", to: Placed.self, policy: DeliveryPolicy(concurrency: 1)) {
            try await handler($0, $1)
        }
        try await running(storage, consumer, [subscription]) { _ in
            publish(1, id: "a")
            let deadline = clock.now.advanced(by: .seconds(1))
            await clock.waitForSleeper(until: deadline)
            publish(2, id: "b")
            try await until { await consumer.totals.received == 2 }
            publish(3, id: "c")
            for _ in 0..<1_000 { await Task.yield() }
            #expect(await consumer.totals.received == 2)
            #expect(broker.count == 3)
            clock.advance(by: .seconds(1))
            try await until { broker.count == 0 && handler.calls.count == 3 }
            #expect(handler.calls.map(\.event.number) == [1, 2, 3])
        }
    }

    @Test("an id with other bytes, and what is too large, become dead letters with their bytes")
    func refused() async throws {
        let storage = InMemoryStorage(envelopes: EnvelopeFactory(maxPayloadBytes: 100))
        let consumer = try consumer(into: storage)
        try await running(storage, consumer, []) { engine in
            publish(1, id: "a")
            publish(2, id: "a")
            broker.publish(
                ForeignMessage(
                    body: Array(repeating: 0x20, count: 101),
                    attributes: ["specversion": "1.0", "id": "c", "source": "/s", "type": "t"]))
            try await until { await consumer.totals.received == 3 && broker.count == 0 }
            try await engine.drain()
            let letters = try await storage.deadLetters(DeadLetterQuery())
            #expect(letters.map(\.reason) == [.malformed, .malformed])
            let bodies = try letters.map {
                String(decoding: try $0.envelope.bytes(using: storage.coder), as: UTF8.self)
            }
            #expect(Set(bodies) == ["{\"number\":2}", String(repeating: " ", count: 101)])
            #expect(await consumer.totals.unreadable == 2)
        }
    }

    @Test("an id that is taken is a dead letter again when it is redriven, with its bytes")
    func redrivenConflict() async throws {
        let storage = InMemoryStorage(envelopes: EnvelopeFactory(wallClock: clock.wallClock))
        let consumer = try consumer(into: storage)
        try await running(storage, consumer, []) { engine in
            publish(1, id: "a")
            publish(2, id: "a")
            try await until { try await storage.deadLetters(DeadLetterQuery()).count == 1 }
            try await engine.redrive(storage.deadLetters(DeadLetterQuery()).map(\.id))
            try await until { try await storage.deadLetters(DeadLetterQuery()).first?.history.replayCount == 1 }
            let bytes = try await storage.deadLetters(DeadLetterQuery())[0].envelope.bytes(using: storage.coder)
            #expect(String(decoding: bytes, as: UTF8.self) == "{\"number\":2}")
        }
    }

    @Test("a batch that finds no room is stored in parts")
    func parts() async throws {
        let storage = InMemoryStorage(configuration: .init(capacity: 4, whenFull: .fail))
        let consumer = try consumer(into: storage)
        let handler = RecordingHandler<Placed>()
        for number in 0..<20 { publish(number, id: "\(number)") }
        let subscription = Subscription("count", to: Placed.self) { try await handler($0, $1) }
        try await running(storage, consumer, [subscription]) { _ in
            try await until {
                if handler.calls.count < 20 { clock.advance(by: .seconds(1)) }
                return handler.calls.count == 20 && broker.count == 0
            }
        }
    }

    @Test("a dead letter that can be read now becomes its event when it is redriven")
    func redriven() async throws {
        let storage = InMemoryStorage(envelopes: EnvelopeFactory(maxPayloadBytes: 5, wallClock: clock.wallClock))
        let strict = try consumer(into: storage)
        let handler = RecordingHandler<Placed>()
        let subscription = Subscription("count", to: Placed.self) { try await handler($0, $1) }
        let engine = try await EventEngine(
            storage: storage, logger: logger, clock: clock, wallClock: clock.wallClock,
            subscriptions: [
                subscription,
                // What the next binary has: the same name, and a limit that lets it pass.
                .unreadable(
                    MessageReading(consumer: "platform", typePrefix: nil, maxPayloadBytes: 100), storage: storage),
            ])
        let services = [Task { try await engine.run() }, Task { try await strict.run() }]
        publish(7, id: "a")
        try await until { try await !storage.deadLetters(DeadLetterQuery()).isEmpty }
        let ids = try await storage.deadLetters(DeadLetterQuery()).map(\.id)
        try await engine.redrive(ids)
        try await until { handler.calls.map(\.event.number) == [7] }
        #expect(try await storage.deadLetters(DeadLetterQuery()).isEmpty)
        for service in services { service.cancel() }
        for service in services { try await service.value }
    }

    @Test("without its subscription in an engine it does not begin")
    func missingSubscription() async throws {
        let storage = InMemoryStorage()
        let consumer = try consumer(into: storage)
        let error = await #expect(throws: ConsumerError.self) { try await consumer.run() }
        #expect(error?.code == .missingSubscription)
    }

    @Test("names and batches that cannot work are refused")
    func configuration() {
        for name in ["", "a/b", "a\nb", String(repeating: "x", count: 91)] {
            #expect(throws: ConsumerError.self) {
                try EventConsumer(name, from: broker.source(), into: InMemoryStorage(), logger: logger)
            }
        }
        #expect(throws: ConsumerError.self) {
            try EventConsumer(
                "a", from: broker.source(), into: InMemoryStorage(), logger: logger,
                configuration: ConsumerConfiguration(batchSize: 0))
        }
    }
}

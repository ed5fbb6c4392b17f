import AfterCommit
import AfterCommitTesting
import Foundation
import Testing

private struct Placed: Event {
    static let type: EventType = "placed"
    var total: Int
}

private struct Shipped: Event {
    static let type: EventType = "shipped"
}

@Suite struct RecorderTests {
    @Test func anEmitterTellsWhatWasEmittedInstead() throws {
        let emitter = RecordingEmitter()
        try emitter.requireNothingEmitted()
        try emitter.emit(Placed(total: 5))
        try emitter.emit(Placed(total: 0))
        #expect(try emitter.requireEmitted(Placed.self, count: 1) { $0.total > 0 }.map(\.total) == [5])
        try emitter.requireEmitted(Placed.self)
        try emitter.requireEmitted(Shipped.self, count: 0)
        let missing = try #require(throws: RecordingFailure.self) { try emitter.requireEmitted(Shipped.self) }
        #expect(missing.description.contains("expected at least 1 matching events of type shipped emitted, found 0"))
        #expect(missing.description.contains("Placed(total: 5)"))
        #expect(missing.description.contains("RecorderTests.swift"))
        #expect(throws: RecordingFailure.self) { try emitter.requireEmitted(Placed.self, count: 1) }
        #expect(throws: RecordingFailure.self) { try emitter.requireNothingEmitted() }
    }

    @Test func aHandlerTellsWhatWasHandledInstead() async throws {
        let handler = RecordingHandler<Placed> { event, _ in
            if event.total < 0 { throw HandlerOutcome.permanent(Broken()) }
        }
        let trial = FaultTrial()
        try await trial.running([Subscription("placed", to: Placed.self) { try await handler($0, $1) }]) { engine in
            try await engine.emit(contentsOf: [Placed(total: 5), Placed(total: -1)])
            try await engine.drain()
        }
        try handler.requireDelivered(count: 1)
        #expect(try handler.requireDelivered { $0.total > 0 }.map(\.total) == [5])
        #expect(try handler.requireAttempts(count: 1) { $0.event.total < 0 }.map(\.context.attempt) == [1])
        let failure = try #require(throws: RecordingFailure.self) { try handler.requireDelivered { $0.total < 0 } }
        #expect(failure.description.contains("Placed(total: 5)"))
        #expect(throws: RecordingFailure.self) { try handler.requireAttempts(count: 3) }
    }

    @Test func aFaultyStorageFailsWhatItIsToldTo() async throws {
        let trial = FaultTrial()
        let storage = FaultInjectingStorage(trial.storage)
        let handler = RecordingHandler<Probe>()
        storage.failAttaching(1)
        await #expect(throws: FaultInjectingStorage.InjectedFault.self) {
            try await trial.engine(on: storage, [handler.subscription()])
        }
        storage.failEmits(2, after: 1)
        try await storage.emit(Probe(number: 0))
        await #expect(throws: FaultInjectingStorage.InjectedFault.self) { try await storage.emit(Probe(number: 1)) }
        await #expect(throws: FaultInjectingStorage.InjectedFault.self) { try await storage.reserveRoom(for: 1) }
        let latch = Latch()
        storage.holdSettles(until: latch)
        // Time passes below for as long as the handler takes to begin, which must not be its timeout.
        let patient = DeliveryPolicy(timeout: .seconds(86_400))
        try await trial.running(on: storage, [handler.subscription(policy: patient)]) { engine in
            storage.failClaims(2)
            try await engine.emit(Probe(number: 2))
            try await trial.pass(.seconds(1), engine, until: { handler.calls.count == 1 })
            #expect(try await engine.status().first?.counts.pending == 1, "its settle is held")
            latch.open()
            try await engine.drain()
            #expect(storage.failedCount == 5)
            try handler.requireDelivered(count: 1)
        }
    }
}

extension FaultTrial {
    /// Lets time pass until `condition` holds, in a bounded number of turns.
    fileprivate func pass(
        _ step: Duration, _ engine: EventEngine, until condition: () async throws -> Bool
    ) async throws {
        for _ in 0..<10_000 {
            if try await condition() { return }
            clock.advance(by: step)
            _ = try await engine.status()
            await Task.yield()
        }
        throw Broken()
    }
}

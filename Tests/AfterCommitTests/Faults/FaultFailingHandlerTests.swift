import AfterCommit
import AfterCommitTesting
import Foundation
import Testing

/// FAULTS 19, 21, 22 and 27: clocks that jump, crashes between handler and settling, handlers that fail.
@Suite struct FaultFailingHandlerTests {
    @Test func fault19AClockThatJumpsLosesNothing() async throws {
        let trial = FaultTrial()
        let handler = FailingHandler<Probe>(attempts: 1)
        let subscription = Subscription(
            "probe", to: Probe.self, endpoint: Endpoint("probe", breaker: nil)
        ) { try await handler($0, $1) }
        var ids: [EventID] = []
        try await trial.running([subscription]) { engine in
            for jump in [Duration.zero, .seconds(-3_600), .seconds(365 * 86_400), .seconds(-365 * 86_400), .zero] {
                trial.clock.wallClock.advance(by: jump)
                ids += try await engine.emit(contentsOf: (0..<10).map { Probe(number: $0) })
                try await engine.waitUntilIdle()
            }
            #expect(Set(ids).count == 50)
            #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 })
            // Every due date, the farthest included, comes.
            trial.clock.wallClock.advance(by: .seconds(366 * 86_400))
            try await engine.waitUntilIdle()
            #expect(handler.succeeded.count == 50)
            #expect(try await engine.deadLetters().isEmpty)
        }
    }

    @Test func fault21ACrashBeforeSettlingDeliversAgainAndTheInboxMakesTheEffectOnce() async throws {
        let trial = FaultTrial()
        let storage = trial.storage
        let effects = Table<String, Int>("effects")
        let handler = RecordingHandler<Probe> { _, context in
            try await storage.once(context.idempotencyKey, request: context.payload()) { tx in
                try tx.put(try tx.value(for: "count", in: effects).map { $0 + 1 } ?? 1, for: "count", in: effects)
            }
        }
        let faulty = FaultInjectingStorage(storage)
        faulty.failSettles(.max)
        let engine = try await trial.engine(on: faulty, [handler.subscription()])
        let running = Task { try await engine.run() }
        try await engine.emit(Probe(number: 1))
        await handler.waitForCalls(1)
        running.cancel()
        try await running.value
        try await trial.running([handler.subscription()]) { try await $0.drain() }
        #expect(handler.calls.count == 2)
        #expect(Set(handler.calls.map(\.context.idempotencyKey)).count == 1)
        #expect(try await storage.read { try $0.value(for: "count", in: effects) } == 1)
    }

    @Test func fault22AHandlerThatAlwaysThrowsHarmsNoOther() async throws {
        let trial = FaultTrial()
        let bad = RecordingHandler<Probe> { _, context in
            throw HandlerOutcome.retry(after: .zero, cause: NumberedFailure(attempt: context.attempt))
        }
        let good = RecordingHandler<Probe>()
        try await trial.running([bad.subscription("bad"), good.subscription("good")]) { engine in
            try await engine.emit(Probe(number: 1))
            try await engine.waitUntilIdle()
            #expect(good.numbers == [1])
            try await trial.pass(.seconds(12), engine)
            #expect(bad.calls.map(\.context.attempt) == [1, 2, 3, 4])
            let letter = try #require(try await engine.deadLetters().first)
            #expect(letter.reason == .exhausted)
            #expect(letter.history.failures.map(\.message) == (1...4).map { "attempt \($0) failed" })
            #expect(good.calls.count == 1)
        }
    }

    @Test func fault27WhatAFailedHandlerEmittedIsNotSeen() async throws {
        let trial = FaultTrial()
        let effects = RecordingHandler<Effect>()
        let handler = RecordingHandler<Probe> { event, context in
            try context.emit(Effect(number: context.attempt))
            if context.attempt < 3 { throw Broken() }
        }
        try await trial.running([
            handler.subscription(), Subscription("effects", to: Effect.self) { try await effects($0, $1) },
        ]) { engine in
            try await engine.emit(Probe())
            try await trial.pass(.seconds(8), engine)
            try await engine.drain()
            try effects.requireDelivered(count: 1) { $0.number == 3 }
            try effects.requireAttempts(count: 1)
        }
    }
}

private struct NumberedFailure: Error, CustomStringConvertible {
    let attempt: Int
    var description: String { "attempt \(attempt) failed" }
}

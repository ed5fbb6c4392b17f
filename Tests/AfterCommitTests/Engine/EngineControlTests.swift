import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import Testing

private struct Numbered: Event {
    static let type: EventType = "numbered"
    var number: Int
}

@Suite struct EngineControlTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let clock = ManualClock()

    private func running(
        _ handlers: [(name: String, endpoint: String, handler: RecordingHandler<Numbered>)], concurrency: Int = 2,
        _ body: (EventEngine) async throws -> Void
    ) async throws {
        let engine = try await EventEngine(
            storage: InMemoryStorage(), logger: quiet, clock: clock, wallClock: clock.wallClock,
            subscriptions: handlers.map { name, endpoint, handler in
                Subscription(
                    name, to: Numbered.self, policy: DeliveryPolicy(concurrency: concurrency),
                    endpoint: Endpoint(endpoint)
                ) { try await handler($0, $1) }
            })
        let running = Task { try await engine.run() }
        try await body(engine)
        running.cancel()
        try await running.value
    }

    private func emit(_ count: Int, _ engine: EventEngine) async throws {
        try await engine.emit(contentsOf: (0..<count).map { Numbered(number: $0) })
    }

    @Test func aPausedOneWaitsIdleAndUncharged() async throws {
        let handler = RecordingHandler<Numbered>()
        let other = RecordingHandler<Numbered>()
        try await running([("s", "e", handler), ("other", "f", other)]) { engine in
            try await engine.pause("s")
            try await emit(10, engine)
            try await engine.waitUntilIdle()
            #expect(try await engine.status().map(\.parked) == [.paused, nil])
            #expect(handler.calls.isEmpty)
            #expect(other.succeeded.count == 10)
            // Nothing but a person brings it back.
            try await engine.drain()
            try await engine.resume("s")
            try await engine.drain()
            #expect(handler.succeeded.count == 10)
            #expect(Set(handler.calls.map(\.context.attempt)) == [1])
        }
    }

    @Test func aReceiverThatIsGonePausesItsEndpoint() async throws {
        struct Gone: EndpointPausing { var pausesEndpoint: Bool { true } }
        let handler = RecordingHandler<Numbered> { event, context in
            if context.replayCount == 0, event.number == 0 { throw HandlerOutcome.permanent(Gone()) }
        }
        let sharing = RecordingHandler<Numbered>()
        try await running([("s", "e", handler), ("sharing", "e", sharing)], concurrency: 1) { engine in
            try await emit(1, engine)
            while try await engine.status().map(\.parked) != [.paused, .paused] { try await engine.waitUntilIdle() }
            // Not the number that its receiver refuses: it would pause the endpoint again.
            try await engine.emit(contentsOf: (1...5).map { Numbered(number: $0) })
            try await engine.waitUntilIdle()
            #expect(handler.calls.count == 1)
            let letters = try await engine.deadLetters()
            #expect(letters.map(\.reason) == [.permanent])
            try await engine.resume(endpoint: "e")
            try await engine.redrive(letters.map(\.id))
            try await engine.drain()
            #expect(sharing.succeeded.count == 6)
        }
    }

    @Test func whatRunsEndsNormally() async throws {
        let latch = Latch()
        let handler = RecordingHandler<Numbered> { _, _ in await latch.wait() }
        try await running([("s", "e", handler)]) { engine in
            try await emit(10, engine)
            await handler.waitForCalls(2)
            try await engine.pause("s")
            latch.open()
            try await engine.waitUntilIdle()
            #expect(handler.succeeded.count == 2)
            // Eight are claimed and wait; a drain leaves them.
            try await engine.drain()
            #expect(try await engine.status().first?.totals.delivered == 2)
            try await engine.resume("s")
            try await engine.drain()
            #expect(handler.succeeded.count == 10)
        }
    }

    @Test func anEndpointAndASubscriptionArePausedApart() async throws {
        let first = RecordingHandler<Numbered>()
        let second = RecordingHandler<Numbered>()
        try await running([("first", "e", first), ("second", "e", second)]) { engine in
            try await engine.pause(endpoint: "e")
            try await engine.pause("first")
            try await emit(3, engine)
            try await engine.waitUntilIdle()
            #expect(first.calls.isEmpty && second.calls.isEmpty)
            try await engine.resume(endpoint: "e")
            try await engine.waitUntilIdle()
            #expect(first.calls.isEmpty)
            #expect(second.calls.count == 3)
            try await engine.resume("first")
            try await engine.waitUntilIdle()
            #expect(first.calls.count == 3)
        }
    }

    @Test func aPauseOutlivesADrain() async throws {
        let handler = RecordingHandler<Numbered>()
        let engine = try await EventEngine(
            storage: InMemoryStorage(), logger: quiet, clock: clock, wallClock: clock.wallClock,
            subscriptions: [Subscription("s", to: Numbered.self) { try await handler($0, $1) }])
        try await engine.pause("s")
        try await emit(3, engine)
        for _ in 0..<3 { try await engine.drain() }
        #expect(handler.calls.isEmpty)
        try await engine.resume("s")
        try await engine.drain()
        #expect(handler.calls.count == 3)
    }

    @Test func growsAtOnceAndShrinksAsAttemptsEnd() async throws {
        let latches = (0..<4).map { _ in Latch() }
        let handler = RecordingHandler<Numbered> { event, _ in await latches[event.number / 10].wait() }
        try await running([("s", "e", handler)], concurrency: 1) { engine in
            try await emit(40, engine)
            await handler.waitForCalls(1)
            try await engine.resize("s", concurrency: 6)
            await handler.waitForCalls(6)
            #expect(handler.mostRunning == 6)
            try await engine.resize("s", concurrency: 2)
            #expect(try await engine.status().first?.running == 6)
            latches[0].open()
            // 10 are done; of the next ten only two run.
            await handler.waitForCalls(12)
            while try await engine.status().first?.totals.delivered != 10 { await Task.yield() }
            #expect(try await engine.status().first?.running == 2)
            try await engine.resize("s", concurrency: 3)
            await handler.waitForCalls(13)
            #expect(try await engine.status().first?.running == 3)
            for latch in latches { latch.open() }
            try await engine.drain()
            #expect(Set(handler.succeeded.map(\.event.number)).count == 40)
            #expect(handler.succeeded.count == 40)
        }
    }

    @Test func unknownNamesAreRefused() async throws {
        try await running([("s", "e", RecordingHandler())]) { engine in
            let expected: [(EngineError.Code, () async throws -> Void)] = [
                (.unknownSubscription, { try await engine.pause("t") }),
                (.unknownSubscription, { try await engine.resume("t") }),
                (.unknownSubscription, { try await engine.resize("t", concurrency: 2) }),
                (.unknownEndpoint, { try await engine.pause(endpoint: "s") }),
                (.unknownEndpoint, { try await engine.resume(endpoint: "s") }),
                (.invalidConfiguration, { try await engine.resize("s", concurrency: 0) }),
            ]
            for (code, call) in expected {
                do {
                    try await call()
                    Issue.record("\(code) was not thrown")
                } catch let error as EngineError {
                    #expect(error.code == code)
                }
            }
        }
    }
}

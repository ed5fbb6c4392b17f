import AfterCommitTesting
import Foundation
import Logging
import Synchronization
import Testing

@testable import AfterCommit

private struct Numbered: Event {
    static let type: EventType = "numbered"
    var number: Int
}

/// What lanes share, seen from a handler: however many a lane takes at once, a slow handler holds no other's work.
@Suite struct LaneQueueTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let clock = ManualClock()

    private func running(
        _ subscription: Subscription, configuration: EngineConfiguration = EngineConfiguration(),
        _ body: (EventEngine) async throws -> Void
    ) async throws {
        let engine = try await EventEngine(
            storage: InMemoryStorage(), logger: quiet, configuration: configuration, clock: clock,
            wallClock: clock.wallClock, subscriptions: [subscription])
        let running = Task { try await engine.run() }
        try await body(engine)
        running.cancel()
        try await running.value
    }

    /// Makes lanes take many at once: the manual clock stands still, so each attempt is fast.
    private func warmUp(_ engine: EventEngine) async throws {
        try await engine.emit(contentsOf: (0..<200).map { _ in Numbered(number: -1) })
        try await engine.waitUntilIdle()
    }

    @Test(arguments: [1, 2, 4, 16])
    func asManyRunAsThereAreLanesAlthoughOneTookMany(lanes: Int) async throws {
        let latch = Latch()
        let handler = RecordingHandler<Numbered> { event, _ in
            if event.number >= 0 { await latch.wait() }
        }
        let subscription = Subscription("s", to: Numbered.self, policy: DeliveryPolicy(concurrency: lanes)) {
            try await handler($0, $1)
        }
        try await running(subscription) { engine in
            try await warmUp(engine)
            for round in 0..<3 {
                try await engine.emit(contentsOf: (0..<50).map { Numbered(number: round * 50 + $0) })
            }
            await handler.waitForCalls(200 + lanes)
            #expect(handler.calls.count == 200 + lanes)
            #expect(try await engine.status().first?.running == lanes)
            latch.open()
            try await engine.drain()
            #expect(Set(handler.succeeded.map(\.event.number)).count == 151)
        }
        #expect(handler.mostRunning == lanes)
    }

    @Test func whatAnOverstayingLaneHadTakenRunsUncharged() async throws {
        let latch = Latch()
        let handler = RecordingHandler<Numbered> { event, context in
            if event.number == 0, context.attempt == 1 { await latch.wait() }
        }
        let subscription = Subscription(
            "s", to: Numbered.self, policy: DeliveryPolicy(timeout: .seconds(1), concurrency: 1)
        ) {
            try await handler($0, $1)
        }
        try await running(subscription) { engine in
            try await warmUp(engine)
            try await engine.emit(contentsOf: (0..<20).map { Numbered(number: $0) })
            await handler.waitForCalls(201)
            clock.advance(by: .seconds(1))
            await handler.waitForCalls(220)
            #expect(Set(handler.calls.dropFirst(201).map(\.context.attempt)) == [1])
            #expect(Set(handler.calls.dropFirst(201).map(\.event.number)) == Set(1..<20))
            latch.open()
            clock.advance(by: .seconds(2))
            try await engine.drain()
            #expect(try await engine.status().first?.totals.refusedResults == 1)
            #expect(try await engine.status().first?.totals.delivered == 220)
        }
    }

    @Test func aBreakerThatOpensStopsWhatALaneHadTaken() async throws {
        let handler = RecordingHandler<Numbered> { event, _ in
            if event.number >= 0 { throw FailingHandler<Numbered>.Failure() }
        }
        let endpoint = Endpoint("e", breaker: CircuitBreakerConfiguration(consecutiveFailures: 3))
        let subscription = Subscription(
            "s", to: Numbered.self, policy: DeliveryPolicy(concurrency: 1), endpoint: endpoint
        ) {
            try await handler($0, $1)
        }
        try await running(subscription) { engine in
            try await warmUp(engine)
            try await engine.emit(contentsOf: (0..<100).map { Numbered(number: $0) })
            try await engine.waitUntilIdle()
            #expect(handler.calls.count == 203)
            #expect(try await engine.status().first?.parked == .breakerOpen)
        }
    }

    @Test func aShutdownGivesBackWhatWasTakenAndNotBegun() async throws {
        let latch = Latch()
        let storage = InMemoryStorage()
        let handler = RecordingHandler<Numbered> { event, _ in
            if event.number >= 0 { await latch.wait() }
        }
        let first = try await EventEngine(
            storage: storage, logger: quiet, clock: clock, wallClock: clock.wallClock,
            subscriptions: [
                Subscription("s", to: Numbered.self, policy: DeliveryPolicy(concurrency: 2)) {
                    try await handler($0, $1)
                }
            ])
        let running = Task { try await first.run() }
        try await warmUp(first)
        try await first.emit(contentsOf: (0..<40).map { Numbered(number: $0) })
        await handler.waitForCalls(202)
        running.cancel()
        try await running.value
        latch.open()
        let next = RecordingHandler<Numbered>()
        let second = try await EventEngine(
            storage: storage, logger: quiet, clock: clock, wallClock: clock.wallClock,
            subscriptions: [Subscription("s", to: Numbered.self) { try await next($0, $1) }])
        try await second.drain()
        #expect(next.calls.map(\.event.number).sorted() == Array(0..<40))
        #expect(Set(next.calls.map(\.context.attempt)) == [1])
    }

    @Test func theJournalKnowsWhatRuns() async throws {
        let journal = RecordingJournal()
        let queue = LaneQueue(
            lanes: 1, timeout: .seconds(1), gate: EndpointGate(Endpoint("e"), now: .zero), journal: journal,
            time: TimeSource(clock), wallClock: clock.wallClock, signal: WakeSignal())
        let lane = try #require(queue.lanesToStart().first)
        queue.push([delivery(1), delivery(2)])
        _ = await queue.next(lane.id)
        #expect(journal.running == [0: 1])
        _ = queue.advance(lane.id, slot: lane.slot, after: .all(.succeeded))
        _ = await queue.next(lane.id)
        #expect(journal.running == [0: 2])
        clock.advance(by: .seconds(1))
        #expect(queue.harvest().replaced.count == 1)
        #expect(journal.running == [:])
    }

    @Test func aGateThatStaysClosedWakesNoLane() async throws {
        let signal = WakeSignal()
        let gate = EndpointGate(Endpoint("e", maxConcurrent: 1), now: .zero)
        let queue = LaneQueue(
            lanes: 2, timeout: .seconds(1), gate: gate, time: TimeSource(clock), wallClock: clock.wallClock,
            signal: signal)
        _ = gate.admit(now: .zero)
        let lane = try #require(queue.lanesToStart().first)
        let running = Task { await queue.next(lane.id) }
        queue.push([delivery(1)])
        // The lane looks, finds the bulkhead full, and tells the worker.
        while queue.standing().gate == nil { await Task.yield() }
        signal.consume()
        for _ in 0..<10 {
            queue.push([])
            #expect(queue.standing().gate?.reason == .bulkheadFull)
        }
        _ = gate.end(.up, probe: false, now: .zero)
        queue.push([])
        #expect(await running.value?.delivery.sequence == 1)
    }

    /// On one actor, so that the lane looks only when the test lets it.
    @MainActor @Test func whatALaneNeverSawIsNotCountedAsAbandoned() async throws {
        let gate = EndpointGate(Endpoint("e", maxConcurrent: 1), now: .zero)
        let queue = LaneQueue(
            lanes: 1, timeout: .seconds(1), gate: gate, time: TimeSource(clock), wallClock: clock.wallClock,
            signal: WakeSignal())
        _ = gate.admit(now: .zero)
        let lane = try #require(queue.lanesToStart().first)
        let running = Task { await queue.next(lane.id) }
        queue.push([delivery(1)])
        while queue.state.withLock({ $0.idle.isEmpty || $0.gate == nil }) { await Task.yield() }
        _ = gate.end(.up, probe: false, now: .zero)
        // The attempt begins on the idle lane's behalf, and is called off before the lane looks.
        queue.push([])
        #expect(queue.cancel([1]).running == [1])
        #expect(await running.value?.delivery.sequence == nil)
        #expect(queue.harvest().abandoned == 0)
    }

    private func delivery(_ number: Int) -> ClaimedDelivery {
        ClaimedDelivery(
            sequence: UInt64(number),
            envelope: Envelope(
                id: EventIDGenerator().next(), type: "numbered", source: "/", time: clock.wallClock.now(),
                payload: .value(Numbered(number: number))))
    }
}

/// Remembers what runs on each lane.
private final class RecordingJournal: AttemptJournal {
    private let lanes = Mutex<[Int: UInt64]>([:])
    var running: [Int: UInt64] { lanes.withLock { $0 } }
    func began(_ sequence: UInt64, lane: Int) { lanes.withLock { $0[lane] = sequence } }
    func ended(lane: Int) { lanes.withLock { $0[lane] = nil } }
    func beganAlone(_ sequence: UInt64) {}
    func released(_ sequence: UInt64) {}
    func cleared(_ sequence: UInt64) {}
}

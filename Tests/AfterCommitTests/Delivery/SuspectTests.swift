import AfterCommit
import AfterCommitTesting
import Foundation
import Testing

/// What was in flight when a process died runs alone, keeps its place among its key's, and holds up nobody for longer.
@Suite(.timeLimit(.minutes(1))) struct SuspectTests {
    private let trial = FaultTrial()
    private let policy = DeliveryPolicy(backoff: .constant(.seconds(1)))

    private func suspecting(_ sequences: UInt64..., of name: String = "probe", deaths: Int = 0) -> FaultInjectingStorage
    {
        FaultInjectingStorage(
            trial.storage, suspects: [name: sequences.map { .init(sequence: $0, deaths: deaths) }])
    }

    private func emit(_ numbers: ClosedRange<Int>, key: String? = nil) async throws {
        try await trial.storage.emit(contentsOf: numbers.map { Probe(number: $0, key: key) })
    }

    /// Registers the places of subscriptions, so that what is emitted next waits for them.
    private func register(_ names: String...) async throws {
        try await trial.running(names.map { RecordingHandler<Probe>().subscription($0) }) { _ in }
    }

    @Test func theyRunOneByOneAndNothingBesideThem() async throws {
        try await register("probe", "other")
        try await emit(1...6)
        let running = Counting()
        let suspects = Counting()
        let handler = RecordingHandler<Probe> { event, context in
            let isSuspect = context.subscription == "probe" && event.number <= 3
            let beside = running.enter()
            if isSuspect { #expect(beside == 0) }
            let others = isSuspect ? suspects.enter() : suspects.inside
            #expect(others == 0)
            await Task.yield()
            if isSuspect { suspects.leave() }
            running.leave()
        }
        let storage = suspecting(1, 2, 3)
        try await trial.running(on: storage, [handler.subscription(), handler.subscription("other")]) { engine in
            try await engine.drain()
        }
        #expect(handler.succeeded.count == 12)
    }

    @Test func oneThatWasStoredAsBlockedRunsInItsTurn() async throws {
        let second = Latch()
        let first = RecordingHandler<Probe> { event, context in
            if event.number == 1, context.attempt == 1 { throw Broken() }
            if event.number == 2 { await second.wait() }
        }
        let engine = try await trial.engine([first.subscription(policy: policy)])
        let running = Task { try await engine.run() }
        try await emit(1...3, key: "k")
        try await engine.waitUntilIdle()
        trial.clock.advance(by: .seconds(1))
        // 1, 1 again, and 2, which runs when the process dies.
        await first.waitForCalls(3)
        running.cancel()
        try await running.value
        second.open()
        let next = RecordingHandler<Probe>()
        let other = RecordingHandler<Probe>()
        let subscriptions = [next.subscription(policy: policy), other.subscription("other")]
        try await trial.running(on: suspecting(2), subscriptions) { engine in
            try await emit(9...9)
            try await engine.drain()
        }
        #expect(next.numbers.filter { $0 != 9 } == [2, 3])
        #expect(other.numbers == [9])
    }

    @Test func oneComesAfterItsPredecessorThatIsStillStoredAsRetrying() async throws {
        let faulty = FaultInjectingStorage(trial.storage)
        let hold = Latch()
        let first = RecordingHandler<Probe> { event, context in
            if event.number == 1, context.attempt == 1 { throw Broken() }
            if event.number == 2 { await hold.wait() }
        }
        let engine = try await trial.engine(on: faulty, [first.subscription(policy: policy)])
        let running = Task { try await engine.run() }
        try await emit(1...1, key: "k")
        try await engine.waitUntilIdle()
        faulty.failSettles(.max)
        trial.clock.advance(by: .seconds(1))
        await first.waitForCalls(2)
        try await emit(2...2, key: "k")
        await first.waitForCalls(3)
        running.cancel()
        try await running.value
        hold.open()
        let next = RecordingHandler<Probe>()
        try await trial.running(on: suspecting(2), [next.subscription(policy: policy)]) { engine in
            try await engine.drain()
        }
        #expect(next.numbers == [1, 2])
    }

    @Test func oneComesAfterWhatWasDoneAndNotSettled() async throws {
        let faulty = FaultInjectingStorage(trial.storage)
        faulty.failSettles(.max)
        let hold = Latch()
        let first = RecordingHandler<Probe> { event, _ in if event.number == 2 { await hold.wait() } }
        let engine = try await trial.engine(on: faulty, [first.subscription()])
        let running = Task { try await engine.run() }
        try await emit(1...2, key: "k")
        await first.waitForCalls(2)
        running.cancel()
        try await running.value
        hold.open()
        let next = RecordingHandler<Probe>()
        try await trial.running(on: suspecting(2), [next.subscription()]) { engine in try await engine.drain() }
        #expect(next.numbers == [1, 2])
    }

    @Test func oneWhoseEndpointIsDownHoldsUpNobody() async throws {
        try await register("bad", "good")
        try await emit(1...3)
        let bad = RecordingHandler<Probe> { _, _ in throw Broken() }
        let good = RecordingHandler<Probe>()
        let endpoint = Endpoint("bad", breaker: .init(consecutiveFailures: 2, openDuration: .seconds(5)))
        let subscriptions = [
            Subscription("bad", to: Probe.self, policy: policy, endpoint: endpoint) { try await bad($0, $1) },
            good.subscription("good"),
        ]
        try await trial.running(on: suspecting(1, 2, 3, of: "bad"), subscriptions) { engine in
            try await trial.pass(.seconds(3), engine)
            #expect(good.succeeded.count == 3)
        }
    }

    @Test func oneThatIsPausedHoldsUpNobody() async throws {
        try await register("bad", "good")
        try await emit(1...3)
        let bad = RecordingHandler<Probe>()
        let good = RecordingHandler<Probe>()
        let subscriptions = [bad.subscription("bad"), good.subscription("good")]
        let engine = try await trial.engine(on: suspecting(1, of: "bad"), subscriptions)
        try await engine.pause("bad")
        let running = Task { try await engine.run() }
        await good.waitForCalls(3)
        try await engine.waitUntilIdle()
        #expect(bad.calls.isEmpty)
        try await engine.resume("bad")
        try await engine.drain()
        #expect(bad.succeeded.count == 3)
        running.cancel()
        try await running.value
    }

    @Test func threeDeathsMakeADeadLetterWithoutARun() async throws {
        try await register("probe")
        try await emit(1...2, key: "k")
        let handler = RecordingHandler<Probe>()
        let subscription = handler.subscription(policy: DeliveryPolicy(whenKeyExhausted: .skip))
        try await trial.running(on: suspecting(1, deaths: 3), [subscription]) { engine in
            try await engine.drain()
            #expect(try await engine.deadLetters().map(\.reason) == [.crashLoop])
        }
        #expect(handler.numbers == [2])
    }

    @Test func oneThatIsCalledOffHoldsUpNobody() async throws {
        try await register("probe", "other")
        try await emit(1...2)
        let handler = RecordingHandler<Probe>()
        let other = RecordingHandler<Probe>()
        let engine = try await trial.engine(
            on: suspecting(1), [handler.subscription(), other.subscription("other")])
        try await engine.pause("probe")
        let running = Task { try await engine.run() }
        await other.waitForCalls(2)
        #expect(try await engine.cancel([DeliveryID(subscription: "probe", sequence: 1)]).count == 1)
        try await engine.resume("probe")
        try await engine.drain()
        #expect(handler.numbers == [2])
        running.cancel()
        try await running.value
    }

    @Test func whatIsCalledOffBehindADeadHeadIsNoLongerCounted() async throws {
        let handler = RecordingHandler<Probe> { event, _ in
            if event.number == 1 { throw HandlerOutcome.permanent(Broken()) }
        }
        try await trial.running([handler.subscription(policy: DeliveryPolicy(maxBlocked: 3))]) { engine in
            try await engine.emit(contentsOf: (1...4).map { Probe(number: $0, key: "k") })
            try await engine.waitUntilIdle()
            let ids = (2...4).map { DeliveryID(subscription: "probe", sequence: $0) }
            #expect(try await engine.cancel(ids).count == 3)
            try await engine.emit(contentsOf: (7...8).map { Probe(number: $0) })
            try await engine.waitUntilIdle()
            #expect(try await engine.status().map(\.parked) == [nil])
            #expect(Set(handler.numbers) == [1, 7, 8])
        }
    }
}

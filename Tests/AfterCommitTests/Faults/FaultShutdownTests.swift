import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import ServiceLifecycle
import Testing

/// FAULT 43: the signal to end comes during work, before there is any, and twice.
@Suite(.timeLimit(.minutes(2))) struct FaultShutdownTests {
    private func group(_ engine: EventEngine) -> ServiceGroup {
        ServiceGroup(services: [engine], logger: Logger(label: "fault") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test func fault43DuringWorkWhatRunsEndsAndTheRestIsKept() async throws {
        let trial = FaultTrial()
        let latch = Latch()
        let handler = RecordingHandler<Probe> { _, _ in await latch.wait() }
        let policy = DeliveryPolicy(timeout: .seconds(300), concurrency: 3)
        let engine = try await trial.engine([handler.subscription(policy: policy)])
        let group = group(engine)
        let running = Task { try await group.run() }
        try await engine.emit(contentsOf: (0..<20).map { Probe(number: $0) })
        await handler.waitForCalls(3)
        await group.triggerGracefulShutdown()
        await group.triggerGracefulShutdown()
        try await trial.untilShutdownWaits()
        latch.open()
        try await running.value
        #expect(handler.succeeded.count == 3)
        let next = RecordingHandler<Probe>()
        try await trial.running([next.subscription()]) { try await $0.drain() }
        #expect((handler.numbers + next.numbers).sorted() == Array(0..<20))
        #expect(Set(next.calls.map(\.context.attempt)) == [1])
    }

    /// A service group takes a service that returns for one that failed.
    @Test func withoutSubscriptionsItRunsUntilTheSignalAndPublishes() async throws {
        let trial = FaultTrial()
        let engine = try await trial.engine([])
        let due = trial.clock.wallClock.now() + 10
        try await engine.emit(Probe(number: 1), at: due)
        let group = group(engine)
        let running = Task { try await group.run() }
        await trial.clock.waitForSleeper(until: trial.clock.now.advanced(by: .seconds(10)))
        trial.clock.advance(by: .seconds(10))
        while try await !trial.storage.delayedEvents(after: nil, limit: 1).isEmpty { await Task.yield() }
        await group.triggerGracefulShutdown()
        try await running.value
    }

    @Test func fault43BeforeItIsReady() async throws {
        for delay in 0..<20 {
            let trial = FaultTrial()
            let handler = RecordingHandler<Probe>()
            let engine = try await trial.engine([handler.subscription()])
            try await engine.emit(Probe(number: 1))
            let group = group(engine)
            let running = Task { try await group.run() }
            for _ in 0..<delay { await Task.yield() }
            await group.triggerGracefulShutdown()
            try await running.value
            let next = RecordingHandler<Probe>()
            try await trial.running([next.subscription()]) { try await $0.drain() }
            #expect(handler.succeeded.count + next.succeeded.count == 1)
        }
    }

    @Test func fault43AHandlerThatNeverEndsDoesNotKeepIt() async throws {
        let trial = FaultTrial()
        let latch = Latch()
        let handler = RecordingHandler<Probe> { _, _ in await latch.wait() }
        let engine = try await trial.engine([handler.subscription(policy: DeliveryPolicy(timeout: .seconds(300)))])
        let group = group(engine)
        let running = Task { try await group.run() }
        try await engine.emit(Probe(number: 1))
        await handler.waitForCalls(1)
        await group.triggerGracefulShutdown()
        try await trial.untilShutdownWaits()
        await group.triggerGracefulShutdown()
        trial.clock.advance(by: .seconds(30))
        try await running.value
        latch.open()
        let next = RecordingHandler<Probe>()
        try await trial.running([next.subscription()]) { try await $0.drain() }
        #expect(next.calls.map(\.context.attempt) == [1])
    }
}

extension FaultTrial {
    /// Waits, a bounded number of turns, until a shutdown waits out its grace period of 30 s.
    fileprivate func untilShutdownWaits() async throws {
        for _ in 0..<1_000_000 {
            if clock.sleepers.contains(where: { $0.offset == .seconds(30) }) { return }
            await Task.yield()
        }
        throw Broken()
    }
}

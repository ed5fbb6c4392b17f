import AfterCommit
import AfterCommitTesting
import Testing

@Suite(.timeLimit(.minutes(1))) struct CancellingTests {
    private let first = DeliveryID(subscription: "probe", sequence: 1)

    @Test func anEngineThatDoesNotRunCallsOff() async throws {
        let trial = FaultTrial()
        let handler = RecordingHandler<Probe>()
        let engine = try await trial.engine([handler.subscription()])
        try await engine.emit(contentsOf: [Probe(number: 1), Probe(number: 2)])
        #expect(try await engine.cancel([first]) == [first])
        #expect(try await engine.deadLetters().map(\.reason) == [.cancelled])
        #expect(try await engine.cancel([first]) == [])
        try await engine.drain()
        #expect(handler.numbers == [2])
    }

    @Test func beforeTheRunAStorageThatFailsIsToldAndTheCallIsKept() async throws {
        let trial = FaultTrial()
        let storage = FaultInjectingStorage(trial.storage)
        let handler = RecordingHandler<Probe>()
        let engine = try await trial.engine(on: storage, [handler.subscription()])
        try await engine.emit(Probe(number: 1))
        storage.failSettles(1)
        await #expect(throws: FaultInjectingStorage.InjectedFault.self) { try await engine.cancel([first]) }
        let running = Task { try await engine.run() }
        trial.clock.advance(by: .seconds(60))
        try await engine.drain()
        #expect(try await engine.deadLetters().map(\.reason) == [.cancelled])
        #expect(handler.numbers == [])
        running.cancel()
        try await running.value
    }

    @Test func aCallThatWaitsEndsWithItsTask() async throws {
        let trial = FaultTrial()
        let storage = FaultInjectingStorage(trial.storage)
        let latch = Latch()
        try await trial.running(on: storage, [RecordingHandler<Probe>().subscription()]) { engine in
            try await engine.pause("probe")
            try await engine.emit(Probe(number: 1))
            storage.holdSettles(until: latch)
            let call = Task { try await engine.cancel([first]) }
            call.cancel()
            await #expect(throws: CancellationError.self) { try await call.value }
            latch.open()
            try await engine.waitUntilIdle()
            #expect(try await engine.deadLetters().map(\.reason) == [.cancelled])
        }
    }
}

import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import MetricsTestKit
import Testing

/// What an engine makes of compensations, beside what the conformance suite checks on every storage.
@Suite(.timeLimit(.minutes(1))) struct CompensationEngineTests {
    private func failing(_ name: String = "probe") -> Subscription {
        Subscription(name, to: Probe.self, policy: DeliveryPolicy(maxRetries: 0)) { _, _ in throw Broken() }
    }

    @Test(arguments: [
        Compensation("a*", of: Probe.self) { _, _ in }, Compensation("*", of: Probe.self) { _, _ in },
        Compensation("a/b", of: Probe.self) { _, _ in }, Compensation("", of: Probe.self) { _, _ in },
        Compensation("undo", of: Effect.self) { _, _ in },
        Compensation("undo", of: Probe.self, reasons: []) { _, _ in },
        Compensation("undo", of: Probe.self, reasons: [.exhausted, .malformed]) { _, _ in },
        Compensation("undo", of: Probe.self, policy: DeliveryPolicy(maxRetries: -1)) { _, _ in },
        Compensation(
            Subscription("undo", to: Probe.self) { _, _ in }
                .compensated(by: Compensation("undo-it", of: Probe.self) { _, _ in })),
    ])
    func refuses(_ compensation: Compensation) async {
        let error = await #expect(throws: EngineError.self) {
            _ = try await FaultTrial().engine([failing().compensated(by: compensation)])
        }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.isEmpty == false)
    }

    @Test func twoOfOneNameAreRefused() async {
        let undo = RecordingHandler<Probe>()
        for subscriptions in [
            [failing("undo").compensated(by: undo.compensation())],
            [failing("a").compensated(by: undo.compensation()), failing("b").compensated(by: undo.compensation())],
        ] {
            let error = await #expect(throws: EngineError.self) { _ = try await FaultTrial().engine(subscriptions) }
            #expect(error?.code == .duplicateSubscription)
        }
    }

    @Test func batchesAndTransactionalHandlersAreCompensatedToo() async throws {
        let trial = FaultTrial()
        let (ofBatch, ofLedger) = (RecordingHandler<Probe>(), RecordingHandler<Probe>())
        let policy = DeliveryPolicy(maxRetries: 0)
        let batch = Subscription("batch", to: Probe.self, batch: BatchSize(10), policy: policy) { batch in
            for delivery in batch where delivery.event.number == 2 { batch.fail(delivery, Broken()) }
        }
        let ledger = trial.storage.subscription("ledger", to: Probe.self, policy: policy) { event, _, _ in
            if event.number == 3 { throw Broken() }
        }
        let subscriptions = [
            batch.compensated(by: ofBatch.compensation("undo-batch")),
            ledger.compensated(by: ofLedger.compensation("undo-ledger")),
        ]
        try await trial.running(subscriptions) { engine in
            try await engine.emit(contentsOf: (1...3).map { Probe(number: $0) })
            try await engine.drain()
            #expect(ofBatch.numbers == [2])
            #expect(ofLedger.numbers == [3])
            #expect(try await engine.status().map(\.name) == ["batch", "ledger", "undo-batch", "undo-ledger"])
        }
    }

    @Test func aPatternHasACompensationForEachType() async throws {
        let trial = FaultTrial()
        let undo = RecordingHandler<Probe>()
        let effects = RecordingHandler<Effect>()
        let all = Subscription("all", matching: "fault.*", policy: DeliveryPolicy(maxRetries: 0)) { _, _ in
            throw Broken()
        }
        .compensated(by: undo.compensation())
        .compensated(by: Compensation("undo-effect", of: Effect.self) { try await effects($0, $1) })
        try await trial.running([all]) { engine in
            try await engine.emit(Probe(number: 1))
            try await engine.emit(Effect(number: 2))
            try await engine.drain()
            #expect(undo.numbers == [1])
            #expect(effects.calls.map(\.event.number) == [2])
        }
    }

    @Test func aSinkGetsTheDeadEventsBytes() async throws {
        let trial = FaultTrial()
        let sink = KeepingSink()
        let compensation = Compensation(Subscription("support", matching: "fault.*", sink: sink))
        try await trial.running([failing().compensated(by: compensation)]) { engine in
            try await engine.emit(Probe(number: 7))
            try await engine.drain()
        }
        let sent = sink.sent.withLock { $0 }
        #expect(try sent.map { try JSONEventCoder().decode(Probe.self, from: $0.payload).number } == [7])
        #expect(sent.map(\.type) == ["aftercommit.compensation.support"])
    }

    @Test func oneLineAndOneCountTellOfEach() async throws {
        let clock = ManualClock()
        let metrics = TestMetrics()
        let lines = LogLines()
        let engine = try await EventEngine(
            storage: InMemoryStorage(), logger: lines.logger, configuration: EngineConfiguration(metrics: metrics),
            clock: clock, wallClock: clock.wallClock,
            subscriptions: [failing().compensated(by: RecordingHandler<Probe>().compensation())])
        let id = try await engine.emit(Probe(number: 1, text: "not for logs"))
        try await engine.drain()
        let line = try #require(lines.all("compensation emitted").first)
        #expect(lines.all("compensation emitted").count == 1)
        #expect(line.level == .notice)
        #expect(line.metadata["event.id"] == "\(id)")
        #expect(line.metadata["subscription"] == "probe")
        #expect(line.metadata["compensation"] == "undo")
        #expect(line.metadata["delivery.reason"] == "exhausted")
        #expect(!line.text.contains("not for logs"))
        let counter = try metrics.expectCounter("aftercommit.compensated", [("subscription", "probe")])
        #expect(counter.totalValue == 1)
    }
}

/// Keeps what it is sent.
private final class KeepingSink: EventSink {
    let sent = Locked<[(type: EventType, payload: Data)]>([])

    func send(_ payload: Data, context: DeliveryContext) async throws {
        sent.withLock { $0.append((context.envelope.type, payload)) }
    }
}

extension RecordingHandler where E == Probe {
    fileprivate func compensation(_ name: String = "undo") -> Compensation {
        Compensation(name, of: Probe.self) { try await self($0, $1) }
    }
}

import AfterCommit
import AfterCommitTesting
import Testing

@Suite struct RedriveTests {
    @Test func pastTheInboxWindowIDsNeedAReasonToo() async throws {
        let trial = FaultTrial()
        let lines = FaultLines()
        let policy = DeliveryPolicy(maxRetries: 0)
        let handler = RecordingHandler<Probe> { _, context in
            if context.delivery.sequence > 0, context.replayCount == 0 { throw Broken() }
        }
        let subscriptions = ["a", "b"].map { handler.subscription($0, policy: policy) }
        try await trial.running(logger: lines.logger, subscriptions) { engine in
            try await engine.emit(contentsOf: (1...2).map { Probe(number: $0) })
            try await engine.waitUntilIdle()
            trial.clock.advance(by: trial.storage.inboxWindow)
            try await engine.emit(Probe(number: 3))
            try await engine.waitUntilIdle()
            let ids = try await engine.deadLetters().map(\.id)
            #expect(ids.count == 6)
            let unknown = DeliveryID(subscription: "a", sequence: 0)
            #expect(try await engine.redrive(ids + [unknown]) == ids.filter { $0.sequence == 3 })
            let left = lines.all.filter { $0.contains("past the inbox window were left dead") }
            #expect(left.count == 1)
            #expect(left.first?.contains("=4") == true)
            #expect(try await engine.redrive(ids, pastInboxWindow: "asked for") == ids.filter { $0.sequence < 3 })
            let redriven = lines.all.filter { $0.contains("past the inbox window are redriven") }
            #expect(redriven.map { $0.contains("asked for") } == [true])
            try await engine.waitUntilIdle()
            #expect(try await engine.deadLetters().isEmpty)
        }
    }
}

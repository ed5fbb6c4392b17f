import AfterCommit
import AfterCommitTesting
import Dispatch
import Foundation
import Logging
import Synchronization
import Testing

private struct Forging: Event {
    static let type: EventType = "forged\nerror delivery dead-lettered\u{1B}[2J\u{2028}\u{202E}"
    var text = "not for logs"
}

/// An error whose every word tries to forge a line.
private struct Forged: DeliveryFailureDescribing, CustomStringConvertible {
    var failureType: String { "forged\r\nerror type \u{85}" + String(repeating: "x", count: 10_000) }
    var failureStatus: Int? { 500 }
    var description: String { "first\nerror delivery dead-lettered\u{1B}[2J\u{2029}" }
}

/// FAULTS 42 and 44: what is logged, and loggers that hang.
@Suite struct FaultLogTests {
    @Test func fault42OneEventIsOneLineWhateverItSays() async throws {
        let trial = FaultTrial()
        let lines = FaultLines()
        let outcomes: [@Sendable () -> any Error] = [
            { Forged() }, { HandlerOutcome.discard("done\nerror forged") }, { HandlerOutcome.permanent(Forged()) },
            { HandlerOutcome.unknownType("later\u{7}\nerror forged") },
        ]
        let next = Mutex(0)
        let subscription = Subscription(
            "forging", to: Forging.self, policy: DeliveryPolicy(maxRetries: 0, concurrency: 1)
        ) { _, context in
            context.logger.info("handled")
            throw outcomes[
                next.withLock { index in
                    defer { index += 1 }
                    return index % outcomes.count
                }]()
        }
        try await trial.running(logger: lines.logger, [subscription]) { engine in
            for _ in 0..<12 {
                try await engine.emit(Forging(), headers: ["tenant": "a\nb", "traceparent": "x\ny"])
            }
            try await engine.waitUntilIdle()
        }
        let all = lines.all
        #expect(all.contains { $0.contains("forged") })
        let escaped = CharacterSet.controlCharacters.union(.newlines).union(
            .init(charactersIn: "\u{202E}\u{2028}\u{2029}"))
        for line in all { #expect(line.rangeOfCharacter(from: escaped) == nil, "\(line.debugDescription)") }
        #expect(!all.contains { $0.contains("not for logs") }, "payloads are never logged")
        #expect(all.allSatisfy { $0.utf8.count < 2_000 })
    }

    @Test func fault42NamesWithControlCharactersDoNotStart() async throws {
        let trial = FaultTrial()
        let handler = RecordingHandler<Probe>()
        for name in ["a\nb", "a\u{0}", "a\u{202E}b", "a\u{2028}b"] {
            await #expect(throws: EngineError.self) { try await trial.engine([handler.subscription(name)]) }
            await #expect(throws: EngineError.self) {
                try await trial.engine([
                    Subscription("probe", to: Probe.self, endpoint: Endpoint(name)) { try await handler($0, $1) }
                ])
            }
        }
    }

    /// A log handler is called on the worker's turn: while it hangs, its subscription waits. Everything else goes on.
    @Test(.enabled(if: ProcessInfo.processInfo.activeProcessorCount > 1), .blocksAThread)
    func fault44AHangingLogHandlerHoldsUpItsSubscriptionAlone() async throws {
        let trial = FaultTrial()
        let release = DispatchSemaphore(value: 0)
        let isHanging = Mutex(false)
        let lines = FaultLines { line in
            guard line.hasPrefix("notice attempt failed") else { return }
            let isFirst = isHanging.withLock { hanging in
                defer { hanging = true }
                return !hanging
            }
            if isFirst { release.wait() }
        }
        let bad = FailingHandler<Probe>(attempts: 1)
        let good = RecordingHandler<Probe>()
        let subscriptions = [
            Subscription("bad", to: Probe.self, endpoint: Endpoint("bad", breaker: nil)) { try await bad($0, $1) },
            good.subscription("good"),
        ]
        try await trial.running(logger: lines.logger, subscriptions) { engine in
            try await engine.emit(Probe(number: 0))
            while !isHanging.withLock({ $0 }) { await Task.yield() }
            try await engine.emit(contentsOf: (1..<50).map { Probe(number: $0) })
            await good.waitForCalls(50)
            #expect(bad.calls.count < 50)
            release.signal()
            try await trial.pass(.seconds(2), engine)
            #expect(bad.succeeded.count == 50)
            try good.requireDelivered(count: 50)
        }
    }
}

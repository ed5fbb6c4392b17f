import AfterCommit
import Foundation

extension ConformanceSuite {
    static let exhaustionCases: [ConformanceCase] = [
        ConformanceCase(.deadLetters, "`onExhausted` is called once for each, after it is stored") { run in
            let storage = try await run.storage()
            let told = Kept<DeadLetter>()
            let stored = Kept<Bool>()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                switch event.number {
                case 0: throw Refusal()
                case 1: throw HandlerOutcome.permanent(Refusal())
                default: break
                }
            }
            let subscription = Subscription(
                "recorder", to: ConformanceEvent.self,
                onExhausted: { letter in
                    let letters = try? await storage.deadLetters(DeadLetterQuery())
                    stored.append(letters?.contains { $0.id == letter.id } ?? false)
                    told.append(letter)
                }
            ) { try await handler($0, $1) }
            try await run.running(storage, [subscription]) { engine in
                try await run.emit(contentsOf: [0, 1, 2].map { ConformanceEvent(number: $0) }, engine)
                try await run.emitMalformed("broken", number: 3, in: storage)
                try await run.pass(.seconds(12), engine)
                try await engine.drain()
                try requireEqual(
                    told.values.map(\.reason.rawValue).sorted(), ["exhausted", "malformed", "permanent"])
                try requireEqual(stored.values, [true, true, true], "stored when it is told of")
                let exhausted = told.values.first { $0.reason == .exhausted }
                try requireEqual(exhausted?.history.attempts, 4)
                try requireEqual(exhausted?.history.failures.last?.attempt, 4)
                if run.can(.keepsFailures) {
                    try requireEqual(exhausted?.history.failures.map(\.attempt), [1, 2, 3, 4])
                }
                try await engine.redrive(matching: DeadLetterQuery(reason: .permanent))
                try await engine.drain()
                try requireEqual(told.values.count, 4, "a redriven one that dies again is told of again")
                try requireEqual(told.values.last?.history.replayCount, 1)
            }
        },
        ConformanceCase(.deadLetters, "a slow `onExhausted` holds no delivery up") { run in
            let storage = try await run.storage()
            let latch = Latch()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 0 { throw HandlerOutcome.permanent(Refusal()) }
            }
            let subscription = Subscription(
                "recorder", to: ConformanceEvent.self, policy: DeliveryPolicy(concurrency: 1),
                onExhausted: { _ in await latch.wait() }
            ) { try await handler($0, $1) }
            try await run.running(storage, [subscription]) { engine in
                try await run.emit(contentsOf: (0..<10).map { ConformanceEvent(number: $0) }, engine)
                try await run.eventually("the others are delivered", engine) { handler.succeeded.count == 9 }
                latch.open()
                try await engine.drain()
            }
        },
    ]
}

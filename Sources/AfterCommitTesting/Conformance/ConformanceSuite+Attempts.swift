import AfterCommit
import Foundation

extension ConformanceSuite {
    static let attemptCases: [ConformanceCase] = [
        ConformanceCase(.attempts, "3 retries are 4 attempts, numbered, then a dead letter") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in throw Refusal() }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(20), engine)
                try requireEqual(handler.calls.map(\.context.attempt), [1, 2, 3, 4])
                try requireEqual(handler.calls.map(\.context.isLastAttempt), [false, false, false, true])
                let letters = try await engine.deadLetters()
                try requireEqual(letters.map(\.reason), [.exhausted])
                try requireEqual(letters.first?.history.attempts, 4)
                try requireEqual(try await engine.totals().attempts, 4)
            }
        },
        ConformanceCase(.attempts, "the waits are 1, 2 and 4 s with equal jitter, and the due date is stored") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in throw Refusal() }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await engine.waitUntilIdle()
                for full in [1.0, 2.0, 4.0] {
                    let record = try await engine.deliveries(DeliveryQuery(state: .retrying)).first
                    guard let due = record?.due else {
                        throw ConformanceFailure(description: "no due date is stored")
                    }
                    let wait = due.timeIntervalSince(run.clock.wallClock.now())
                    try require((full / 2 - 0.01...full + 0.01).contains(wait), "waits \(wait) s of \(full)")
                    let before = handler.calls.count
                    run.clock.advance(by: .seconds(wait - 0.01))
                    try await engine.waitUntilIdle()
                    try requireEqual(handler.calls.count, before, "attempts: it was not due yet")
                    run.clock.advance(by: .seconds(0.02))
                    try await engine.waitUntilIdle()
                    try requireEqual(handler.calls.count, before + 1, "attempts: it was due")
                }
            }
        },
        ConformanceCase(.attempts, "an event that fails at first is delivered by a retry") { run in
            let storage = try await run.storage()
            let handler = FailingHandler<ConformanceEvent>(attempts: 2)
            let subscription = Subscription(
                "recorder", to: ConformanceEvent.self, endpoint: Endpoint("recorder", breaker: nil)
            ) { try await handler($0, $1) }
            try await run.running(storage, [subscription]) { engine in
                try await run.emit(contentsOf: (0..<50).map { ConformanceEvent(number: $0) }, engine)
                try await run.pass(.seconds(8), engine)
                try requireEqual(handler.succeeded.count, 50)
                try requireEqual(handler.calls.count, 150, "attempts")
                try requireEqual(try await engine.counts(), DeliveryCounts())
            }
        },
        ConformanceCase(.attempts, "`discard` ends a delivery without a dead letter") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in throw HandlerOutcome.discard("obsolete") }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await engine.drain()
                try requireEqual(handler.calls.count, 1)
                try requireEqual(try await engine.totals().discarded, 1)
                try requireEqual(try await engine.counts(), DeliveryCounts())
            }
        },
        ConformanceCase(.attempts, "`permanent` makes a dead letter at once") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in throw HandlerOutcome.permanent(Refusal()) }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await engine.drain()
                try requireEqual(handler.calls.count, 1)
                try requireEqual(try await engine.deadLetters().map(\.reason), [.permanent])
            }
        },
        ConformanceCase(.attempts, "`retry(after:)` waits at least as long, and counts") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { _, context in
                if context.attempt == 1 { throw HandlerOutcome.retry(after: .seconds(30)) }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(29), engine)
                try requireEqual(handler.calls.count, 1)
                try await run.pass(.seconds(2), engine)
                try requireEqual(handler.calls.map(\.context.attempt), [1, 2])
            }
        },
        ConformanceCase(.attempts, "`snooze` waits until its date and costs no attempt") { run in
            let storage = try await run.storage()
            let until = run.clock.wallClock.now() + 3600
            let handler = RecordingHandler<ConformanceEvent> { _, context in
                if context.startedAt < until { throw HandlerOutcome.snooze(until: until) }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(3599), step: .seconds(100), engine)
                try await run.pass(.seconds(200), step: .seconds(100), engine)
                try requireEqual(handler.calls.map(\.context.attempt), [1, 1])
                try requireEqual(handler.succeeded.count, 1)
            }
        },
        ConformanceCase(.attempts, "attempts and due dates outlive the process", requires: .durable) { run in
            let storage = try await run.storage()
            let failing = RecordingHandler<ConformanceEvent> { _, _ in throw Refusal() }
            try await run.running(storage, [failing.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(1), engine)
                try requireEqual(failing.calls.map(\.context.attempt), [1, 2])
            }
            let reopened = try await run.reopen(storage)
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(reopened, [handler.subscription()]) { engine in
                try await engine.waitUntilIdle()
                try requireEqual(handler.calls.count, 0, "attempts: it was not due yet")
                try await run.pass(.seconds(2), engine)
                try requireEqual(handler.calls.map(\.context.attempt), [3])
            }
        },
    ]
}

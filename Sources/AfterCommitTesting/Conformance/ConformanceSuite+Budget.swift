import AfterCommit
import Foundation

extension ConformanceSuite {
    private static let hasty = DeliveryPolicy(
        maxRetries: 100, backoff: .constant(.seconds(60)), budget: .seconds(150))

    static let budgetCases: [ConformanceCase] = [
        ConformanceCase(.budget, "a spent budget ends as `expired`, spent attempts as `exhausted`") { run in
            let storage = try await run.storage()
            let hasty = RecordingHandler<ConformanceEvent> { _, _ in throw Refusal() }
            let brief = RecordingHandler<ConformanceEvent> { _, _ in throw Refusal() }
            let policy = DeliveryPolicy(maxRetries: 1, backoff: .constant(.seconds(60)), budget: .seconds(150))
            let subscriptions = run.fitting(
                hasty.subscription("hasty", policy: Self.hasty), brief.subscription("brief", policy: policy))
            try await run.running(storage, subscriptions) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(400), step: .seconds(10), engine)
                // At 0, 60, 120 and 180 s, where 150 are spent.
                try requireEqual(hasty.calls.map(\.context.attempt), [1, 2, 3, 4])
                let letters = try await engine.deadLetters()
                let reasons = Dictionary(letters.map { ($0.id.subscription, $0.reason) }) { $1 }
                var expected: [String: DeadLetter.Reason] = ["hasty": .expired]
                if run.can(.manySubscriptions) { expected["brief"] = .exhausted }
                try requireEqual(reasons, expected)
            }
        },
        ConformanceCase(.budget, "time spent parked or snoozed is not in the budget") { run in
            let storage = try await run.storage()
            let begin = run.clock.wallClock.now()
            let handler = RecordingHandler<ConformanceEvent> { _, context in
                if context.startedAt < begin + 3600 { throw HandlerOutcome.retry(after: .seconds(600)) }
                if context.attempt == 1 { throw Refusal() }
            }
            try await run.running(storage, [handler.subscription(policy: Self.hasty)]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(4200), step: .seconds(60), engine)
                try requireEqual(handler.succeeded.map(\.context.attempt), [2])
                try requireEqual(try await engine.deadLetters().count, 0)
            }
        },
        ConformanceCase(.budget, "time spent blocked behind a key is not in the budget") { run in
            let storage = try await run.storage()
            let until = run.clock.wallClock.now() + 3600
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                if event.number == 1, context.startedAt < until { throw HandlerOutcome.snooze(until: until) }
                if event.number == 2, context.attempt == 1 { throw Refusal() }
            }
            try await run.running(storage, [handler.subscription(policy: Self.hasty)]) { engine in
                try await run.emit(contentsOf: [1, 2].map { ConformanceEvent(number: $0, key: "a") }, engine)
                try await run.pass(.seconds(3900), step: .seconds(60), engine)
                try requireEqual(handler.succeeded.map(\.event.number), [1, 2])
                try requireEqual(try await engine.deadLetters().count, 0)
            }
        },
        ConformanceCase(
            .budget, "after a long stop a delivery is tried before it can expire", requires: .durable
        ) { run in
            let storage = try await run.storage()
            let failing = RecordingHandler<ConformanceEvent> { _, _ in throw Refusal() }
            try await run.running(storage, [failing.subscription(policy: Self.hasty)]) { engine in
                try await run.emit(contentsOf: [1, 2].map { ConformanceEvent(number: $0) }, engine)
                try await engine.waitUntilIdle()
                try requireEqual(failing.calls.count, 2)
            }
            run.clock.advance(by: .seconds(5 * 86_400))
            let reopened = try await run.reopen(storage)
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                if event.number == 2, context.attempt == 2 { throw Refusal() }
            }
            try await run.running(reopened, [handler.subscription(policy: Self.hasty)]) { engine in
                try await engine.waitUntilIdle()
                try requireEqual(try await engine.deadLetters().count, 0)
                try await run.pass(.seconds(61), step: .seconds(1), engine)
                try requireEqual(Set(handler.succeeded.map(\.event.number)), [1, 2])
            }
        },
        ConformanceCase(.budget, "a redriven delivery has its whole budget again") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { _, context in
                if context.replayCount == 0 || context.attempt == 1 { throw Refusal() }
            }
            try await run.running(storage, [handler.subscription(policy: Self.hasty)]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(300), step: .seconds(10), engine)
                let letters = try await engine.deadLetters()
                try requireEqual(letters.map(\.reason), [.expired])
                try await engine.redrive(letters.map(\.id))
                try await run.pass(.seconds(70), step: .seconds(10), engine)
                try requireEqual(handler.succeeded.map(\.context.attempt), [2])
            }
        },
    ]
}

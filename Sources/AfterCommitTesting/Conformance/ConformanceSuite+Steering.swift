import AfterCommit
import Foundation

/// What steers attempts beside the handler: backoffs of one's own, rules and interceptors.
extension ConformanceSuite {
    static let steeringCases: [ConformanceCase] = [
        ConformanceCase(.attempts, "a backoff of one's own is asked for each retry") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in throw Refusal() }
            let policy = DeliveryPolicy(backoff: .custom { .seconds($0 * $0 * 10) })
            try await run.running(storage, [handler.subscription(policy: policy)]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await engine.waitUntilIdle()
                for wait in [10, 40, 90] {
                    let before = handler.calls.count
                    run.clock.advance(by: .seconds(wait) - .milliseconds(1))
                    try await engine.waitUntilIdle()
                    try requireEqual(handler.calls.count, before, "attempts: it was not due yet")
                    run.clock.advance(by: .milliseconds(1))
                    try await engine.waitUntilIdle()
                    try requireEqual(handler.calls.count, before + 1, "attempts: it was due")
                }
                try requireEqual(try await engine.deadLetters().map(\.reason), [.exhausted])
            }
        },
        ConformanceCase(.attempts, "error rules say what errors mean; the first that matches decides") { run in
            struct Gone: Error { let id: Int }
            struct Quota: Error { let wait: Duration }
            struct Invalid: Error {}
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                switch event.number {
                case 0: throw Gone(id: 7)
                case 1 where context.attempt == 1: throw Quota(wait: .seconds(30))
                case 2: throw Invalid()
                case 3 where context.attempt == 1: throw Refusal()
                default: break
                }
            }
            var policy = DeliveryPolicy(backoff: .constant(.seconds(1)))
            policy.rules = [
                .on(Gone.self) { .discard("order \($0.id) is gone") },
                .on(Quota.self) { .retry(after: $0.wait) },
                .on(Invalid.self) { .permanent($0) },
                .matching { $0 is Gone ? .permanent($0) : nil },
            ]
            try await run.running(storage, [handler.subscription(policy: policy)]) { engine in
                try await run.emit(contentsOf: (0...4).map { ConformanceEvent(number: $0) }, engine)
                try await run.pass(.seconds(2), engine)
                try requireEqual(try await engine.totals().discarded, 1)
                let letters = try await engine.deadLetters()
                try requireEqual(letters.map(\.reason), [.permanent])
                try requireEqual(letters.map(\.history.failures.last?.errorType), ["Invalid"])
                try requireEqual(Set(handler.succeeded.map(\.event.number)), [3, 4])
                let quota = try await engine.deliveries(DeliveryQuery(state: .retrying)).first
                try requireEqual(quota?.history.failures.last?.errorType, "Quota", "the error that the rule read")
                try await run.pass(.seconds(29), step: .seconds(1), engine)
                try requireEqual(Set(handler.succeeded.map(\.event.number)), [1, 3, 4])
            }
        },
        ConformanceCase(.attempts, "interceptors wrap each attempt, the first outermost") { run in
            let storage = try await run.storage()
            let seen = Kept<String>()
            let handler = RecordingHandler<ConformanceEvent> { _, context in
                seen.append("handler")
                if context.attempt == 1 { throw Refusal() }
            }
            let interceptors = ["outer", "inner"].map { name in
                Intercepting { context, next in
                    seen.append("\(name) \(context.attempt)")
                    do { try await next() } catch {
                        seen.append("\(name) failed")
                        throw error
                    }
                    seen.append("\(name) ended")
                }
            }
            try await run.running(
                storage, configuration: EngineConfiguration(interceptors: interceptors), [handler.subscription()]
            ) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(2), engine)
                try requireEqual(
                    seen.values,
                    [
                        "outer 1", "inner 1", "handler", "inner failed", "outer failed",
                        "outer 2", "inner 2", "handler", "inner ended", "outer ended",
                    ])
                try requireEqual(handler.succeeded.count, 1)
            }
        },
        ConformanceCase(.attempts, "an interceptor skips a handler, fails an attempt, and steers it") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let gate = Intercepting { context, next in
                switch try context.event(as: ConformanceEvent.self).number {
                case 0: return
                case 1 where context.attempt == 1: throw Refusal()
                case 2: throw HandlerOutcome.discard("not for us")
                default: try await next()
                }
            }
            try await run.running(
                storage, configuration: EngineConfiguration(interceptors: [gate]), [handler.subscription()]
            ) { engine in
                try await run.emit(contentsOf: (0...3).map { ConformanceEvent(number: $0) }, engine)
                try await run.pass(.seconds(2), engine)
                try requireEqual(handler.numbers.sorted(), [1, 3])
                let totals = try await engine.totals()
                try requireEqual(totals.delivered, 3)
                try requireEqual(totals.discarded, 1)
                try requireEqual(totals.failedAttempts, 1)
            }
        },
    ]
}

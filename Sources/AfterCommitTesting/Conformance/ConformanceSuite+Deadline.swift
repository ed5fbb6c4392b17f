import AfterCommit
import Foundation

extension ConformanceSuite {
    static let deadlineCases: [ConformanceCase] = [
        ConformanceCase(.deadline, "an attempt that outlives its timeout failed, and its late result is refused") {
            run in
            let storage = try await run.storage()
            let latch = Latch()
            let handler = RecordingHandler<ConformanceEvent> { _, context in
                if context.attempt == 1 { await latch.wait() }
            }
            let policy = DeliveryPolicy(timeout: .seconds(3), concurrency: 1)
            try await run.running(storage, [handler.subscription(policy: policy)]) { engine in
                try await run.emit(contentsOf: [ConformanceEvent(number: 1)], engine)
                await handler.waitForCalls(1)
                run.clock.advance(by: .seconds(3))
                try await run.eventually("the attempt failed at its deadline", engine) {
                    try await engine.deliveries(DeliveryQuery(state: .retrying)).first?.history.failures
                        .map(\.errorType) == ["timeout"]
                }
                // The lane is free again although the handler still runs.
                try await run.emit(ConformanceEvent(number: 2), engine)
                await handler.waitForCalls(2)
                latch.open()
                try await run.pass(.seconds(2), engine)
                try requireEqual(handler.calls.filter { $0.event.number == 1 }.map(\.context.attempt), [1, 2])
                try await engine.drain()
                let totals = try await engine.totals()
                try requireEqual(totals.overstayed, 1)
                try requireEqual(totals.refusedResults, 1)
            }
        },
        ConformanceCase(.deadline, "past a bound of abandoned attempts the endpoint is parked") { run in
            let storage = try await run.storage()
            let latch = Latch()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in await latch.wait() }
            let policy = DeliveryPolicy(timeout: .seconds(1), concurrency: 2)
            let endpoint = Endpoint("platform", breaker: nil)
            try await run.running(
                storage, [handler.subscription(policy: policy, endpoint: endpoint)]
            ) { engine in
                try await run.emit(contentsOf: (0..<50).map { ConformanceEvent(number: $0) }, engine)
                await handler.waitForCalls(2)
                run.clock.advance(by: .seconds(1))
                try await run.eventually("other lanes go on at the deadline", engine) { handler.calls.count == 4 }
                run.clock.advance(by: .seconds(1))
                try await run.pass(.seconds(20), step: .seconds(1), engine)
                try requireEqual(handler.calls.count, 4, "attempts that hang")
                try requireEqual(try await engine.status().first?.parked, .tooManyAbandonedAttempts)
                latch.open()
                try await engine.drain()
                try requireEqual(Set(handler.succeeded.map(\.event.number)).count, 50)
            }
        },
        ConformanceCase(.cancellation, "a timeout cancels the handler, and is a failed attempt") { run in
            let storage = try await run.storage()
            let cancelled = Counters()
            let handler = RecordingHandler<ConformanceEvent> { _, context in
                guard context.attempt == 1 else { return }
                do {
                    try await run.clock.sleep(for: .seconds(3600))
                } catch {
                    cancelled.increment("cancelled")
                    throw error
                }
            }
            let policy = DeliveryPolicy(timeout: .seconds(1))
            try await run.running(storage, [handler.subscription(policy: policy)]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                await handler.waitForCalls(1)
                run.clock.advance(by: .seconds(1))
                try await run.eventually("the attempt failed at its deadline", engine) {
                    try await engine.totals().failedAttempts == 1
                }
                try await engine.waitUntilIdle()
                try await run.pass(.seconds(2), engine)
                try requireEqual(handler.succeeded.map(\.context.attempt), [2])
                try requireEqual(cancelled.value("cancelled"), 1)
            }
        },
        ConformanceCase(.cancellation, "a CancellationError of the handler's own making is a failed attempt") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in throw CancellationError() }
            try await run.running(storage, [handler.subscription(policy: DeliveryPolicy(maxRetries: 0))]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await engine.drain()
                let letters = try await engine.deadLetters()
                try requireEqual(letters.map(\.history.failures.last?.errorType), ["CancellationError"])
            }
        },
        ConformanceCase(.cancellation, "a shutdown gives all running attempts back") { run in
            let storage = try await run.storage()
            let policy = DeliveryPolicy(maxRetries: 0, concurrency: 64)
            for round in 0..<8 {
                let handler = RecordingHandler<ConformanceEvent> { _, _ in
                    try await run.clock.sleep(for: .seconds(3600))
                }
                try await run.running(storage, [handler.subscription(policy: policy)]) { engine in
                    if round == 0 {
                        try await run.emit(contentsOf: (0..<64).map { ConformanceEvent(number: $0) }, engine)
                    }
                    await handler.waitForCalls(64)
                }
                try requireEqual(Set(handler.calls.map(\.context.attempt)), [1])
            }
            let next = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [next.subscription(policy: policy)]) { engine in
                try await engine.drain()
                try requireEqual(next.numbers.sorted(), Array(0..<64))
                try requireEqual(try await engine.counts(), DeliveryCounts())
            }
        },
        ConformanceCase(.cancellation, "an absurd snooze date harms nothing") { run in
            let storage = try await run.storage()
            let dates = [Double.infinity, -.infinity, .nan, 1e300].map { Date(timeIntervalSince1970: $0) }
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                if event.number < dates.count, context.attempt == 1, event.key == nil {
                    throw HandlerOutcome.snooze(until: dates[event.number])
                }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 0), engine)
                try await run.emit(ConformanceEvent(number: 3), engine)
                try await engine.waitUntilIdle()
                try requireEqual(try await engine.counts().retrying, 2)
                try await run.emit(ConformanceEvent(number: 9), engine)
                try await engine.waitUntilIdle()
                try requireEqual(handler.succeeded.map(\.event.number), [9])
            }
        },
    ]
}

import AfterCommit
import Foundation

/// Wall clocks that jump and stand still.
extension ConformanceSuite {
    private static let year = Duration.seconds(365 * 86_400)

    static let timeCases: [ConformanceCase] = [
        ConformanceCase(.time, "a clock that goes back an hour loses nothing, and stops nothing for good") { run in
            let storage = try await run.storage()
            let handler = FailingHandler<ConformanceEvent>(attempts: 1)
            let subscription = Subscription("recorder", to: ConformanceEvent.self) { try await handler($0, $1) }
            try await run.running(storage, [subscription]) { engine in
                try await run.emit(ConformanceEvent(number: 0), engine)
                let delays = run.can(.delayedEvents)
                if delays { try await engine.emit(ConformanceEvent(number: 1), at: run.clock.wallClock.now() + 10) }
                try await engine.waitUntilIdle()
                run.clock.wallClock.advance(by: .seconds(-3600))
                try await run.emit(ConformanceEvent(number: 2), engine)
                try await run.pass(.seconds(10), engine)
                try requireEqual(handler.succeeded.map(\.event.number), [2], "what is due by the new time")
                try await run.pass(.seconds(3605), step: .seconds(60), engine)
                try requireEqual(handler.succeeded.map(\.event.number).sorted(), delays ? [0, 1, 2] : [0, 2])
                try requireEqual(try await engine.counts(), DeliveryCounts())
            }
        },
        ConformanceCase(.time, "a clock that goes forward a year expires nothing that was not tried") { run in
            let storage = try await run.storage()
            let latch = Latch()
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                if event.number == 0 { await latch.wait() }
                if event.number == 1, context.attempt < 3 { throw Refusal() }
            }
            let policy = DeliveryPolicy(timeout: .seconds(120), concurrency: 4)
            try await run.running(storage, [handler.subscription(policy: policy)]) { engine in
                try await run.emit(contentsOf: (0..<3).map { ConformanceEvent(number: $0) }, engine)
                let delayed: Set<Int> = run.can(.delayedEvents) ? [3] : []
                for number in delayed {
                    try await engine.emit(ConformanceEvent(number: number), at: run.clock.wallClock.now() + 3600)
                }
                await handler.waitForCalls(3)
                run.clock.wallClock.advance(by: Self.year)
                // Within a minute the engine looks at the date again. Deadlines are measured by the other clock.
                run.clock.advance(by: .seconds(60))
                try await run.eventually("what became due is tried", engine) {
                    Set(handler.succeeded.map(\.event.number)).isSuperset(of: delayed.union([2]))
                }
                try requireEqual(try await engine.totals().overstayed, 0)
                latch.open()
                try await run.pass(.seconds(5), engine)
                try await engine.drain()
                try requireEqual(Set(handler.succeeded.map(\.event.number)), delayed.union([0, 1, 2]))
                try requireEqual(try await engine.deadLetters().count, 0)
            }
        },
        ConformanceCase(.time, "while the clock stands still events are delivered, and retries when it goes on") {
            run in
            let storage = try await run.storage()
            let handler = FailingHandler<ConformanceEvent>(attempts: 1)
            let good = RecordingHandler<ConformanceEvent>()
            let subscription = Subscription("failing", to: ConformanceEvent.self) { try await handler($0, $1) }
            try await run.running(storage, run.fitting(subscription, good.subscription())) { engine in
                for number in 0..<5 {
                    try await run.emit(ConformanceEvent(number: number), engine)
                    try await engine.waitUntilIdle()
                    // Back first: a worker that looks between the two must not see a date that has not come.
                    run.clock.wallClock.advance(by: .seconds(-2))
                    run.clock.advance(by: .seconds(2))
                    try await engine.waitUntilIdle()
                }
                if run.can(.manySubscriptions) { try requireEqual(good.numbers, [0, 1, 2, 3, 4]) }
                try requireEqual(Set(handler.calls.map(\.event.number)), [0, 1, 2, 3, 4], "those that were tried")
                try requireEqual(try await engine.counts("failing").retrying, 5)
                try await run.pass(.seconds(2), engine)
                try requireEqual(handler.succeeded.count, 5)
            }
        },
        ConformanceCase(.time, "ids are unique and grow, whatever the clock does") { run in
            let storage = try await run.storage()
            var ids: [EventID] = []
            let jumps = [Duration.zero, .seconds(-3600), Self.year, .zero - Self.year, .milliseconds(1), .zero]
            // More than one millisecond has numbers for. A row for each is a statement for each, so there they are fewer.
            let count = run.can(.statusColumn) ? 300 : 5_000
            for (round, jump) in jumps.enumerated() {
                run.clock.wallClock.advance(by: jump)
                ids += try await run.emit(
                    contentsOf: (0..<count).map { ConformanceEvent(number: $0, copy: round) }, storage)
                ids.append(
                    try await storage.transaction { tx in
                        try run.emit(ConformanceEvent(number: -1, copy: round), in: tx)
                    })
            }
            try requireEqual(Set(ids).count, ids.count, "ids")
            try require(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 }, "an id is not greater than the one before")
        },
        ConformanceCase(.time, "ids grow over a restart with the clock an hour back", requires: .durable) { run in
            let storage = try await run.storage()
            let first = try await run.emit(ConformanceEvent(number: 1), storage)
            run.clock.wallClock.advance(by: .seconds(-3600))
            let reopened = try await run.reopen(storage)
            let second = try await run.emit(ConformanceEvent(number: 2), reopened)
            try require(second > first, "\(second) is not greater than \(first)")
        },
        ConformanceCase(.time, "keys of the inbox and of deduplication survive a clock that goes back") { run in
            let storage = try await run.storage()
            func emit() async throws -> EventID? {
                guard run.can(.deduplication) else { return nil }
                return try await storage.emit(
                    ConformanceEvent(number: 1), options: EmitOptions(deduplicationKey: "k"))
            }
            let first = try await emit()
            _ = try await storage.once("k") { _ in 1 }
            run.clock.wallClock.advance(by: .seconds(-3600))
            try requireEqual(try await emit(), first)
            try requireEqual(try await storage.once("k") { _ in 2 }.value, 1)
        },
    ]
}

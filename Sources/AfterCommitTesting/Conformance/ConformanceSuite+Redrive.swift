import AfterCommit
import Foundation

extension ConformanceSuite {
    static let redriveCases: [ConformanceCase] = [
        ConformanceCase(.redrive, "dead letters are found by each of their marks") { run in
            let storage = try await run.storage()
            let begin = run.clock.wallClock.now()
            try await run.withDeadLetters(storage) { engine, _ in
                let letters = try await engine.deadLetters()
                // Each subscription has as many.
                let each = run.fitting("a", "b").count
                try requireEqual(letters.count, 4 * each)
                func expect(_ query: DeadLetterQuery, _ matches: (DeadLetter) -> Bool, _ count: Int) async throws {
                    let found = try await engine.deadLetters(query).map(\.id)
                    try requireEqual(found, letters.filter(matches).map(\.id), "by \(query)")
                    try requireEqual(found.count, count, "by \(query)")
                    let report = try await engine.redrive(matching: query, options: RedriveOptions(isDryRun: true))
                    try requireEqual(report.matched, count)
                    try requireEqual(report.redriven, 0, "a dry run puts nothing back")
                }
                try await expect(DeadLetterQuery(), { _ in true }, 4 * each)
                try await expect(DeadLetterQuery(subscription: "b"), { $0.id.subscription == "b" }, 4 * (each - 1))
                try await expect(DeadLetterQuery(type: Named.type), { $0.envelope.type == Named.type }, 0)
                try await expect(DeadLetterQuery(reason: .exhausted), { $0.reason == .exhausted }, 3 * each)
                try await expect(
                    DeadLetterQuery(errorType: "http.503"), { $0.history.failures.last?.errorType == "http.503" }, each)
                try await expect(
                    DeadLetterQuery(fingerprint: "http.503|503|a"), { $0.fingerprint == "http.503|503|a" }, 1)
                try await expect(DeadLetterQuery(orderingKey: "k"), { $0.envelope.orderingKey == "k" }, each)
                try await expect(DeadLetterQuery(since: begin + 5), { $0.deadSince >= begin + 5 }, each)
                try await expect(DeadLetterQuery(asOf: begin + 5), { $0.deadSince <= begin + 5 }, 3 * each)
                try await expect(
                    DeadLetterQuery(subscription: "a", reason: .permanent),
                    { $0.id.subscription == "a" && $0.reason == .permanent }, 1)
                try requireEqual(try await engine.deadLetters().count, 4 * each, "looking changes nothing")
                let pages = try await engine.deadLetters(DeadLetterQuery(limit: 3))
                let next = try await engine.deadLetters(DeadLetterQuery(after: pages.last?.id, limit: 10))
                try requireEqual((pages + next).map(\.id), letters.map(\.id), "pages")
            }
        },
        ConformanceCase(.redrive, "those that match are put back, the others stay, and again puts back none") { run in
            let storage = try await run.storage()
            try await run.withDeadLetters(storage) { engine, mended in
                mended.increment("mended")
                var report = try await engine.redrive(matching: DeadLetterQuery(subscription: "a", limit: 2))
                try requireEqual(report.matched, 2)
                try requireEqual(report.redriven, 2)
                try await engine.drain()
                try requireEqual(try await engine.counts("a").deadLettered, 2)
                report = try await engine.redrive(matching: DeadLetterQuery(subscription: "a"))
                try requireEqual(report.redriven, 2)
                try await engine.drain()
                report = try await engine.redrive(matching: DeadLetterQuery(subscription: "a"))
                try requireEqual(report.matched, 0)
                try requireEqual(try await engine.counts("a"), DeliveryCounts())
                guard run.can(.manySubscriptions) else { return }
                try requireEqual(try await engine.counts("b").deadLettered, 4)
            }
        },
        ConformanceCase(.redrive, "those that die again meanwhile are not put back again") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in throw HandlerOutcome.permanent(Refusal()) }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(contentsOf: (0..<450).map { ConformanceEvent(number: $0) }, engine)
                try await engine.drain()
                run.clock.advance(by: .seconds(1))
                let redrive = Task { try await engine.redrive(matching: DeadLetterQuery(limit: 10_000)) }
                // A letter's death is dated; those of this instant may match once more, later ones never.
                run.clock.wallClock.advance(by: .seconds(1))
                let report = try await redrive.value
                try requireEqual(report.matched, 450)
                try await engine.drain()
                try requireEqual(handler.calls.count, 900)
            }
        },
        ConformanceCase(.redrive, "a rate spreads them over time") { run in
            let storage = try await run.storage()
            let mended = Counters()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in
                if mended.value("mended") == 0 { throw HandlerOutcome.permanent(Refusal()) }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(contentsOf: (0..<6).map { ConformanceEvent(number: $0) }, engine)
                try await engine.drain()
                mended.increment("mended")
                let redrive = Task {
                    try await engine.redrive(
                        matching: DeadLetterQuery(), options: RedriveOptions(rate: RateLimit(2, per: .seconds(1))))
                }
                for expected in [2, 4, 6] {
                    try await run.eventually("\(expected) are delivered", engine) {
                        handler.succeeded.count >= expected
                    }
                    try await engine.waitUntilIdle()
                    try requireEqual(handler.succeeded.count, expected, "delivered at the rate")
                    run.clock.advance(by: .seconds(1))
                }
                try requireEqual(try await redrive.value.redriven, 6)
            }
        },
        ConformanceCase(.redrive, "past the inbox window only with a reason") { run in
            let storage = try await run.storage()
            let mended = Counters()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in
                if mended.value("mended") == 0 { throw HandlerOutcome.permanent(Refusal()) }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(contentsOf: (0..<3).map { ConformanceEvent(number: $0) }, engine)
                try await engine.drain()
                run.clock.advance(by: storage.inboxWindow)
                try await run.emit(ConformanceEvent(number: 3), engine)
                try await engine.drain()
                mended.increment("mended")
                let old = try await engine.deadLetters().prefix(3).map(\.id)
                try requireEqual(try await engine.redrive(old), [], "by their ids")
                let report = try await engine.redrive(matching: DeadLetterQuery())
                try requireEqual(report.matched, 4)
                try requireEqual(report.pastInboxWindow, 3)
                try requireEqual(report.redriven, 1)
                try await engine.drain()
                try requireEqual(handler.succeeded.map(\.event.number), [3])
                let forced = try await engine.redrive(
                    matching: DeadLetterQuery(), options: RedriveOptions(pastInboxWindow: "the receiver asked for it"))
                try requireEqual(forced.redriven, 3)
                try requireEqual(try await engine.redrive(old, pastInboxWindow: "asked again"), [])
                try await engine.drain()
                try requireEqual(handler.succeeded.count, 4)
            }
        },
    ]
}

extension ConformanceRun {
    /// Runs an engine with eight dead letters: four for each of two subscriptions, or of one where the storage has no more,
    /// one of each four with an ordering key, one permanent, one with a status, and one that died 10 s after the others.
    fileprivate func withDeadLetters(
        _ storage: any ConformanceStorage, _ body: (EventEngine, Counters) async throws -> Void
    ) async throws {
        let mended = Counters()
        let handler = RecordingHandler<ConformanceEvent> { event, _ in
            if mended.value("mended") > 0 { return }
            switch event.number {
            case 1: throw HandlerOutcome.permanent(Refusal())
            case 2: throw StatusFailure(status: 503)
            default: throw Refusal()
            }
        }
        let policy = DeliveryPolicy(maxRetries: 0)
        let subscriptions = fitting("a", "b").map { handler.subscription($0, policy: policy) }
        try await running(storage, subscriptions) { engine in
            try await emit(contentsOf: (0..<3).map { ConformanceEvent(number: $0, key: $0 == 0 ? "k" : nil) }, engine)
            try await engine.drain()
            clock.advance(by: .seconds(10))
            try await emit(ConformanceEvent(number: 3), engine)
            try await engine.drain()
            try await body(engine, mended)
        }
    }
}

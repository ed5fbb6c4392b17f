import AfterCommit

/// Rows with a status over the end of a process, and what becomes of those that failed or succeeded.
extension ConformanceSuite {
    static let settledRowCases: [ConformanceCase] = [
        ConformanceCase(
            .crash, "a row that was left pending is found at the next start", requires: [.statusColumn, .durable]
        ) {
            run in
            let storage = try await run.storage()
            let latch = Latch()
            let first = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 0 { await latch.wait() }
            }
            try await run.running(storage, [first.subscription()]) { engine in
                try await run.emit(contentsOf: [0, 1].map { ConformanceEvent(number: $0) }, engine)
                await first.waitForCalls(2)
                try await run.eventually("the other is settled", engine) {
                    try await storage.status(ofRow: ConformanceEvent(number: 1).rowKey) == "succeeded"
                }
            }
            latch.open()
            // And one that no engine has seen.
            try await run.emit(ConformanceEvent(number: 2), storage)
            let reopened = try await run.reopen(storage)
            try await run.requireStatuses(["pending", "succeeded", "pending"], reopened)
            let second = RecordingHandler<ConformanceEvent>()
            try await run.running(reopened, [second.subscription()]) { engine in
                try await engine.drain()
                try requireEqual(second.numbers.sorted(), [0, 2])
                try await run.requireStatuses(["succeeded", "succeeded", "succeeded"], reopened)
            }
        },
        ConformanceCase(
            .poison, "a row that is mended is an event again once it is redriven", requires: .statusColumn
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emitMalformed("no event", number: 0, in: storage)
                try await engine.drain()
                try await run.requireStatuses(["failed"], storage)
                try await run.rewrite(storage) { ConformanceEvent(number: $0, padding: "mended") }
                try await run.requireStatuses(["failed"], storage)
                try await engine.redrive(try await engine.deadLetters().map(\.id))
                try await engine.drain()
                try requireEqual(handler.calls.map(\.event.padding), ["mended"])
                try await run.requireStatuses(["succeeded"], storage)
            }
        },
        ConformanceCase(
            .redrive, "a failed row that is redriven is pending, then succeeded", requires: .statusColumn
        ) { run in
            let storage = try await run.storage()
            let mended = Counters()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in
                if mended.value("mended") == 0 { throw Refusal() }
            }
            try await run.running(storage, [handler.subscription(policy: DeliveryPolicy(maxRetries: 0))]) { engine in
                let id = try await run.emit(ConformanceEvent(number: 0), engine)
                try await engine.drain()
                try await run.requireStatuses(["failed"], storage)
                // Paused, so that the row is seen while it waits.
                try await engine.pause("recorder")
                try requireEqual(try await engine.redrive(try await engine.deadLetters().map(\.id)).count, 1)
                try await run.requireStatuses(["pending"], storage)
                try requireEqual(try await engine.deadLetters().count, 0)
                mended.increment("mended")
                try await engine.resume("recorder")
                try await engine.drain()
                try await run.requireStatuses(["succeeded"], storage)
                try requireEqual(handler.calls.map(\.context.attempt), [1, 1])
                try requireEqual(handler.calls.map(\.context.replayCount), [0, 1])
                try requireEqual(Set(handler.calls.map(\.context.eventID)), [id])
            }
        },
        ConformanceCase(
            .atLeastOnce, "a row whose event is settled may emit again", requires: .statusColumn
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.padding == "bad" { throw HandlerOutcome.permanent(Refusal()) }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                var ids: [EventID] = []
                for (padding, status) in [("good", "succeeded"), ("bad", "failed"), ("better", "succeeded")] {
                    ids.append(try await run.emit(ConformanceEvent(number: 0, padding: padding), engine))
                    try await engine.drain()
                    try await run.requireStatuses([status], storage)
                }
                try requireEqual(handler.calls.map(\.event.padding), ["good", "bad", "better"])
                try requireEqual(handler.calls.map(\.context.eventID), ids)
                try requireEqual(Set(ids).count, 3, "events")
            }
        },
    ]
}

import AfterCommit

extension ConformanceSuite {
    static let deadLetterCases: [ConformanceCase] = [
        ConformanceCase(.crash, "what was acknowledged is there after the process ended", requires: .durable) { run in
            let storage = try await run.storage()
            let none = RecordingHandler<ConformanceEvent>()
            // Registers the subscription, and delivers nothing.
            _ = try await run.engine(storage, [none.subscription()])
            for number in 0..<20 {
                try await storage.transaction { tx in
                    try tx.putRow("row \(number)", for: "\(number)")
                    try run.emit(ConformanceEvent(number: number), in: tx)
                }
            }
            let reopened = try await run.reopen(storage)
            let rows = try await reopened.rows().count
            try requireEqual(rows, 20)
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(reopened, [handler.subscription()]) { engine in
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), Array(0..<20))
            }
        },
        ConformanceCase(.crash, "what was settled is not delivered again", requires: .durable) { run in
            let storage = try await run.storage()
            let first = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [first.subscription()]) { engine in
                try await run.emit(contentsOf: (0..<100).map { ConformanceEvent(number: $0) }, engine)
                try await engine.drain()
            }
            let reopened = try await run.reopen(storage)
            let second = RecordingHandler<ConformanceEvent>()
            try await run.running(reopened, [second.subscription()]) { engine in
                let id = try await run.emit(ConformanceEvent(number: 100), engine)
                try await engine.drain()
                try requireEqual(second.numbers, [100])
                try require(first.calls.allSatisfy { $0.context.eventID < id }, "ids go on growing")
            }
        },
        ConformanceCase(.deadLetters, "a dead letter keeps its envelope, its history and its fingerprint") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in throw StatusFailure(status: 503) }
            let traceID = "0af7651916cd43dd8448eb211c80319c"
            try await run.running(storage, [handler.subscription()]) { engine in
                let id = try await run.emit(
                    ConformanceEvent(number: 1, padding: "kept"),
                    headers: ["traceparent": "00-\(traceID)-b7ad6b7169203331-01"], engine)
                try await run.pass(.seconds(12), engine)
                guard let letter = try await engine.deadLetters().first else {
                    throw ConformanceFailure(description: "there is no dead letter")
                }
                try requireEqual(letter.envelope.id, id)
                if run.can(.keepsHeaders) { try requireEqual(letter.traceID, traceID) }
                try requireEqual(letter.history.attempts, 4)
                try requireEqual(letter.history.failures.last?.attempt, 4)
                if run.can(.keepsFailures) {
                    try requireEqual(letter.history.failures.map(\.attempt), [1, 2, 3, 4])
                }
                try requireEqual(Set(letter.history.failures.map(\.status)), [503])
                try requireEqual(letter.fingerprint, "http.503|503|recorder")
                let bytes = try letter.envelope.bytes(using: storage.coder)
                try requireEqual(try storage.coder.decode(ConformanceEvent.self, from: bytes).padding, "kept")
            }
        },
        ConformanceCase(.deadLetters, "the last 10 failures are kept", requires: .keepsFailures) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in throw Refusal() }
            let policy = DeliveryPolicy(maxRetries: 14, backoff: .constant(.seconds(1)))
            let endpoint = Endpoint("recorder", breaker: nil)
            try await run.running(storage, [handler.subscription(policy: policy, endpoint: endpoint)]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(20), step: .seconds(1), engine)
                let letters = try await engine.deadLetters()
                try requireEqual(letters.first?.history.attempts, 15)
                try requireEqual(letters.first?.history.failures.map(\.attempt), Array(6...15))
            }
        },
        ConformanceCase(.deadLetters, "a redriven one starts at attempt 1 and counts its replays") { run in
            let storage = try await run.storage()
            let mended = Counters()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in
                if mended.value("mended") == 0 { throw Refusal() }
            }
            try await run.running(storage, [handler.subscription(policy: DeliveryPolicy(maxRetries: 0))]) { engine in
                try await run.emit(contentsOf: (0..<3).map { ConformanceEvent(number: $0) }, engine)
                try await engine.waitUntilIdle()
                let ids = try await engine.deadLetters().map(\.id)
                try requireEqual(ids.count, 3)
                let redriven = try await engine.redrive([ids[0]])
                try requireEqual(redriven, [ids[0]])
                try await engine.waitUntilIdle()
                let again = try await engine.deadLetters().first { $0.id == ids[0] }
                try requireEqual(again?.history.replayCount, 1)
                try requireEqual(again?.history.attempts, 1)
                mended.increment("mended")
                try requireEqual(Set(try await engine.redrive(ids)), Set(ids))
                try requireEqual(try await engine.redrive(ids), [], "a second redrive puts nothing back")
                try await engine.drain()
                try requireEqual(handler.succeeded.count, 3)
                try requireEqual(Set(handler.succeeded.map(\.context.attempt)), [1])
                try requireEqual(try await engine.counts(), DeliveryCounts())
            }
        },
        ConformanceCase(.deadLetters, "they survive the end of the process", requires: .durable) { run in
            let storage = try await run.storage()
            let failing = RecordingHandler<ConformanceEvent> { _, _ in throw HandlerOutcome.permanent(Refusal()) }
            try await run.running(storage, [failing.subscription()]) { engine in
                try await run.emit(contentsOf: (0..<5).map { ConformanceEvent(number: $0) }, engine)
                try await engine.drain()
            }
            let reopened = try await run.reopen(storage)
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(reopened, [handler.subscription()]) { engine in
                try await engine.drain()
                let letters = try await engine.deadLetters()
                try requireEqual(letters.count, 5)
                try requireEqual(handler.calls.count, 0)
                try await engine.redrive(letters.map(\.id))
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), Array(0..<5))
            }
        },
        ConformanceCase(
            .deadLetters, "a bounded storage counts what falls out", requires: [.boundsDeadLetters, .limited]
        ) {
            run in
            let storage = try await run.storage(isSmall: true)
            let handler = RecordingHandler<ConformanceEvent> { _, _ in throw HandlerOutcome.permanent(Refusal()) }
            try await run.running(storage, [handler.subscription()]) { engine in
                for number in 0..<500 { try await run.emit(ConformanceEvent(number: number), engine) }
                try await engine.drain()
                let kept = try await engine.deadLetters(DeadLetterQuery(limit: 1000)).count
                let evicted = try await engine.totals().evictedDeadLetters
                try require(evicted > 0, "nothing fell out")
                try requireEqual(kept + evicted, 500)
            }
        },
        ConformanceCase(.idempotencyKey, "one key for all retries and redrives, another for each subscription") { run in
            let storage = try await run.storage()
            let mended = Counters()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in
                if mended.value("mended") == 0 { throw Refusal() }
            }
            let other = RecordingHandler<ConformanceEvent>()
            let subscriptions = run.fitting(handler.subscription(), other.subscription("other"))
            try await run.running(storage, subscriptions) { engine in
                let id = try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(12), engine)
                mended.increment("mended")
                try await engine.redrive(try await engine.deadLetters().map(\.id))
                try await engine.drain()
                try requireEqual(handler.calls.count, 5)
                try requireEqual(Set(handler.calls.map(\.context.idempotencyKey)), ["\(id)/recorder"])
                guard run.can(.manySubscriptions) else { return }
                try requireEqual(Set(other.calls.map(\.context.idempotencyKey)), ["\(id)/other"])
            }
        },
    ]
}

/// A failure with a status, as an HTTP receiver causes it.
struct StatusFailure: DeliveryFailureDescribing {
    let status: Int
    var failureType: String { "http.\(status)" }
    var failureStatus: Int? { status }
}

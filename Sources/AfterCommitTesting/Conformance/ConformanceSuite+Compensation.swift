import AfterCommit
import Foundation

/// What undoes the work of dead letters.
extension ConformanceSuite {
    /// Events beside the storage's own, of another subscription.
    static let beside: ConformanceCapabilities = [
        .manySubscriptions, .manyEventTypes, .handlersEmit, .deduplication,
    ]

    static let compensationCases: [ConformanceCase] = [
        ConformanceCase(
            .deadLetters, "an exhausted delivery is compensated once, by an event of its own", requires: beside
        ) { run in
            let storage = try await run.storage()
            let undo = RecordingHandler<ConformanceEvent>()
            let everything = Kept<EventType>()
            let all = Subscription("all", matching: "*") { envelope, _ in everything.append(envelope.type) }
            let failing = failing().compensated(by: undo.compensation())
            try await run.running(storage, [failing, all]) { engine in
                let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
                let id = try await run.emit(
                    ConformanceEvent(number: 1, key: "a", padding: "kept"),
                    headers: ["traceparent": traceparent, "tenant": "t"], engine)
                try await engine.drain()
                try requireEqual(undo.calls.map(\.event), [ConformanceEvent(number: 1, key: "a", padding: "kept")])
                guard let context = undo.calls.first?.context else { return }
                try require(context.eventID != id, "it has the id of the event that it undoes")
                try requireEqual(context.envelope.orderingKey, "a")
                let letter = try await engine.deadLetters()
                try requireEqual(letter.map(\.reason), [.exhausted])
                if run.can(.keepsHeaders) {
                    let expected = [
                        "traceparent": traceparent, "tenant": "t", "causationid": "\(id)", "correlationid": "\(id)",
                        "deadletter": "\(letter[0].id)", "deadletterreason": "exhausted",
                    ]
                    for (name, value) in expected { try requireEqual(context.headers[name], value, "as \(name)") }
                }
                try requireEqual(try await engine.totals().compensated, 1)
                // Its own subscription got the event alone, and a star sees both.
                try requireEqual(everything.values, [ConformanceEvent.type, Compensation.eventType(of: "undo")])
            }
        },
        ConformanceCase(
            .deadLetters, "a permanent failure is compensated, a person's doing and malformed bytes are not",
            requires: beside.union(.storesForeignBytes)
        ) { run in
            let storage = try await run.storage()
            let undo = RecordingHandler<ConformanceEvent>()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 1 { throw HandlerOutcome.permanent(Refusal()) }
                throw HandlerOutcome.retry(after: .seconds(3_600))
            }
            try await run.running(storage, [handler.subscription().compensated(by: undo.compensation())]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                let id = try await run.emit(ConformanceEvent(number: 2), engine)
                try await run.emitMalformed("broken", number: 3, in: storage)
                try await engine.waitUntilIdle()
                try await engine.cancel(try await engine.ids(id))
                try await engine.drain()
                let reasons = try await engine.deadLetters().map(\.reason.rawValue).sorted()
                try requireEqual(reasons, ["cancelled", "malformed", "permanent"])
                try requireEqual(undo.numbers, [1])
            }
        },
        ConformanceCase(.budget, "an expired delivery is compensated by choice alone", requires: beside) { run in
            let storage = try await run.storage()
            let undo = RecordingHandler<ConformanceEvent>()
            let chosen = RecordingHandler<ConformanceEvent>()
            let policy = DeliveryPolicy(maxRetries: 9, backoff: .constant(.seconds(60)), budget: .seconds(50))
            let subscriptions = [
                failing("silent", policy: policy).compensated(by: undo.compensation("undo")),
                failing("choosing", policy: policy).compensated(by: chosen.compensation("chosen", reasons: [.expired])),
            ]
            try await run.running(storage, subscriptions) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(60), step: .seconds(10), engine)
                try await engine.drain()
                try requireEqual(try await engine.deadLetters().map(\.reason), [.expired, .expired])
                try requireEqual(undo.numbers, [])
                try requireEqual(chosen.numbers, [1])
            }
        },
        ConformanceCase(
            .attempts, "a compensation is retried, and has dead letters of its own, which are not compensated",
            requires: beside
        ) { run in
            let storage = try await run.storage()
            let mended = Counters()
            let undo = RecordingHandler<ConformanceEvent> { _, _ in
                if mended.value("mended") == 0 { throw Refusal() }
            }
            let failing = failing().compensated(by: undo.compensation())
            try await run.running(storage, [failing]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(12), engine)
                try requireEqual(undo.calls.map(\.context.attempt), [1, 2, 3, 4])
                let letters = try await engine.deadLetters(DeadLetterQuery(subscription: "undo"))
                try requireEqual(letters.map(\.reason), [.exhausted])
                try requireEqual(letters.map(\.envelope.type), [Compensation.eventType(of: "undo")])
                mended.increment("mended")
                try await engine.redrive(letters.map(\.id))
                try await engine.drain()
                try requireEqual(undo.succeeded.map(\.context.replayCount), [1])
                try requireEqual(try await engine.counts("recorder").deadLettered, 1)
                try requireEqual(try await engine.counts("undo"), DeliveryCounts())
            }
        },
        ConformanceCase(
            .redrive, "an event that is redriven and dies again is not compensated again", requires: beside
        ) { run in
            let storage = try await run.storage()
            let undo = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [failing().compensated(by: undo.compensation())]) { engine in
                try await run.emit(contentsOf: [1, 2].map { ConformanceEvent(number: $0) }, engine)
                try await engine.drain()
                for round in 1...2 {
                    try await engine.redrive(matching: DeadLetterQuery())
                    try await engine.drain()
                    try requireEqual(try await engine.deadLetters().map(\.history.replayCount), [round, round])
                }
                try requireEqual(undo.numbers.sorted(), [1, 2])
                try requireEqual(try await engine.totals("undo").delivered, 2)
            }
        },
        ConformanceCase(.order, "a key that its dead letter blocks holds up no compensation", requires: beside) { run in
            let storage = try await run.storage()
            let undo = RecordingHandler<ConformanceEvent>()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 1 { throw HandlerOutcome.permanent(Refusal()) }
            }
            try await run.running(storage, [handler.subscription().compensated(by: undo.compensation())]) { engine in
                try await run.emit(contentsOf: [1, 2].map { ConformanceEvent(number: $0, key: "a") }, engine)
                try await engine.waitUntilIdle()
                try requireEqual(handler.numbers, [1])
                try requireEqual(undo.numbers, [1])
                try requireEqual(try await engine.counts("undo"), DeliveryCounts())
            }
        },
        ConformanceCase(
            .afterCommit, "a compensation inside the transaction that settles it has its effects once", requires: beside
        ) { run in
            let storage = try await run.storage()
            let cancel = storage.compensation("cancel", of: ConformanceEvent.self) { event, tx, context in
                let times = try tx.row("\(event.number)").flatMap(Int.init) ?? 0
                try tx.putRow("\(times + 1)", for: "\(event.number)")
                if context.attempt == 1 { throw Refusal() }
            }
            try await run.running(storage, [failing().compensated(by: cancel)]) { engine in
                try await run.emit(contentsOf: [1, 2].map { ConformanceEvent(number: $0) }, engine)
                try await run.pass(.seconds(3), engine)
                try await engine.drain()
                try requireEqual(try await engine.totals("cancel").failedAttempts, 2)
            }
            try requireEqual(try await storage.rows(), ["1": "1", "2": "1"])
        },
    ]

    /// A subscription that fails for ever; by default it tries once.
    static func failing(
        _ name: String = "recorder", policy: DeliveryPolicy = DeliveryPolicy(maxRetries: 0)
    ) -> Subscription {
        Subscription(name, to: ConformanceEvent.self, policy: policy) { _, _ in throw Refusal() }
    }
}

extension RecordingHandler where E == ConformanceEvent {
    /// A compensation that calls this.
    func compensation(
        _ name: String = "undo", reasons: Set<DeadLetter.Reason> = [.exhausted, .permanent]
    ) -> Compensation {
        Compensation(name, of: ConformanceEvent.self, reasons: reasons) { try await self($0, $1) }
    }
}

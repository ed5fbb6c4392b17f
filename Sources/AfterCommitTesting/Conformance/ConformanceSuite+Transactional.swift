import AfterCommit

/// Handlers that run inside the transaction that settles.
extension ConformanceSuite {
    static let transactionalCases: [ConformanceCase] = [
        ConformanceCase(.afterCommit, "a transactional handler's rows, events and settlement are one commit") { run in
            let storage = try await run.storage()
            let named = RecordingHandler<Named>()
            let emits = run.can([.manyEventTypes, .manySubscriptions])
            let ledger = storage.subscription("ledger", to: ConformanceEvent.self) { event, tx, _ in
                try tx.insertRow("entry", for: "\(event.number)")
                if emits { try tx.emit(Named(name: "\(event.number)")) }
            }
            try await run.running(storage, emits ? [ledger, named.subscription()] : [ledger]) { engine in
                try await run.emit(contentsOf: (0..<50).map { ConformanceEvent(number: $0) }, engine)
                try await engine.drain()
                let totals = try await engine.totals("ledger")
                try requireEqual(totals.delivered, 50)
                try requireEqual(totals.attempts, 50)
                try requireEqual(totals.staleSettles, 0)
                try requireEqual(try await engine.counts("ledger"), DeliveryCounts())
                try requireEqual(Set(named.names).count, emits ? 50 : 0)
                try requireEqual(named.calls.count, emits ? 50 : 0)
            }
            try requireEqual(try await storage.rows().count, 50)
        },
        ConformanceCase(.afterCommit, "a transactional handler that throws leaves nothing, and is tried again") { run in
            let storage = try await run.storage()
            let named = RecordingHandler<Named>()
            let attempts = Kept<Int>()
            let emits = run.can([.manyEventTypes, .manySubscriptions])
            let ledger = storage.subscription("ledger", to: ConformanceEvent.self) { _, tx, context in
                attempts.append(context.attempt)
                if try tx.row("a") != nil {
                    throw HandlerOutcome.permanent(ConformanceFailure(description: "the failed attempt left a row"))
                }
                try tx.putRow("\(context.attempt)", for: "a")
                if emits { try tx.emit(Named(name: "\(context.attempt)")) }
                if context.attempt < 3 { throw Refusal() }
            }
            try await run.running(storage, emits ? [ledger, named.subscription()] : [ledger]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(8), engine)
                try await engine.drain()
                try requireEqual(Set(attempts.values), [1, 2, 3])
                try requireEqual(named.names, emits ? ["3"] : [])
                try requireEqual(try await engine.totals("ledger").failedAttempts, 2)
                try requireEqual(try await engine.deadLetters().count, 0)
            }
            try await run.requireRow("3", for: "a", storage)
        },
        ConformanceCase(.afterCommit, "a transactional handler emits with its transaction, not with its context") {
            run in
            let storage = try await run.storage()
            let ledger = storage.subscription("ledger", to: ConformanceEvent.self) { _, tx, context in
                try tx.putRow("entry", for: "a")
                do {
                    try context.emit(Named(name: "lost"))
                } catch {
                    throw HandlerOutcome.permanent(error)
                }
            }
            try await run.running(storage, [ledger]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await engine.waitUntilIdle()
                let failure = try await engine.deadLetters().first?.history.failures.last
                try require(
                    failure?.message.contains("transaction") == true,
                    "the context emitted, or said nothing: \(failure as Any)")
            }
            try requireEqual(try await storage.rows().count, 0)
        },
        ConformanceCase(.afterCommit, "a transactional handler emits the next event of its own type") { run in
            let storage = try await run.storage()
            let numbers = Kept<Int>()
            let countdown = storage.subscription("countdown", to: ConformanceEvent.self) { event, tx, context in
                if event.number > 0 { try run.emit(ConformanceEvent(number: event.number - 1), in: tx) }
                if context.attempt == 1 { throw Refusal() }
                try tx.insertRow("done", for: "\(event.number)")
                numbers.append(event.number)
            }
            try await run.running(storage, [countdown]) { engine in
                try await run.emit(ConformanceEvent(number: 2), engine)
                try await run.pass(.seconds(6), engine)
                try await engine.drain()
                try requireEqual(try await engine.totals("countdown").delivered, 3)
                try requireEqual(try await engine.totals("countdown").failedAttempts, 3)
            }
            // A body may run again before it commits.
            try requireEqual(Set(numbers.values), [0, 1, 2])
            try requireEqual(try await storage.rows(), ["0": "done", "1": "done", "2": "done"])
        },
        ConformanceCase(.order, "transactional handlers keep the order of a key") { run in
            let storage = try await run.storage()
            let ledger = storage.subscription("ledger", to: ConformanceEvent.self) { event, tx, context in
                if event.number % 9 == 4, context.attempt == 1 { throw Refusal() }
                let key = event.key ?? ""
                let before = try tx.row(key) ?? ""
                try tx.putRow(before + "\(event.number) ", for: key)
            }
            try await run.running(storage, [ledger]) { engine in
                try await run.emit(
                    contentsOf: (0..<30).map { ConformanceEvent(number: $0, key: "key-\($0 % 3)") }, engine)
                try await run.pass(.seconds(12), engine)
                try await engine.drain()
            }
            for key in 0..<3 {
                let expected = stride(from: key, to: 30, by: 3).map { "\($0) " }.joined()
                try await run.requireRow(expected, for: "key-\(key)", storage)
            }
        },
        ConformanceCase(.deadline, "a transactional attempt whose deadline passes before its turn never runs") { run in
            let storage = try await run.storage()
            let latch = Latch()
            let attempts = Kept<Int>()
            let late = Intercepting { context, next in
                if context.attempt == 1 { await latch.wait() }
                try await next()
            }
            let ledger = storage.subscription("ledger", to: ConformanceEvent.self, policy: .http) {
                event, tx, context in
                attempts.append(context.attempt)
                try tx.insertRow("entry", for: "\(event.number)")
            }
            let configuration = EngineConfiguration(interceptors: [late])
            try await run.running(storage, configuration: configuration, [ledger]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.eventually("the attempt began", engine) {
                    try await engine.totals("ledger").attempts == 1
                }
                run.clock.advance(by: .seconds(3))
                try await run.eventually("the attempt failed at its deadline", engine) {
                    try await engine.counts("ledger").retrying == 1
                }
                latch.open()
                try await run.pass(.seconds(2), engine)
                try await engine.drain()
                try requireEqual(Set(attempts.values), [2])
                // Nobody waits for the attempt that was given up.
                try await run.eventually("its result was refused", engine) {
                    try await engine.totals("ledger").refusedResults == 1
                }
            }
        },
        ConformanceCase(.deadline, "a transaction settles nothing once its attempt was given up and that recorded") {
            run in
            let storage = try await run.storage()
            let registration = SubscriptionRegistration(
                name: "ledger", types: [EventTypePattern(ConformanceEvent.type)])
            _ = try await storage.attach([registration], wake: { _ in })
            defer { storage.detach() }
            try await run.emit(ConformanceEvent(number: 1), storage)
            let due = run.clock.wallClock.now()
            for attempt in 1...2 {
                let delivery = try await run.claim(1, for: "ledger", from: storage)[0]
                _ = try await storage.settle(
                    SettlementBatch(
                        subscription: "ledger",
                        exceptions: [
                            Settlement(
                                delivery: delivery,
                                outcome: .retrying(due: due, history: DeliveryHistory(attempts: attempt)))
                        ]))
                do {
                    _ = try await storage.transaction(
                        settling: DeliveryID(subscription: "ledger", sequence: delivery.sequence)
                    ) { tx in
                        try tx.insertRow("late", for: "\(attempt)")
                    }
                    throw ConformanceFailure(description: "attempt \(attempt) settled although it was given up")
                } catch let error as StorageError {
                    try requireEqual(error.code, .notClaimed)
                }
            }
            let last = try await run.claim(1, for: "ledger", from: storage)
            try requireEqual(last.first?.history?.attempts, 2)
            try requireEqual(try await storage.rows().count, 0)
        },
        ConformanceCase(.deadline, "a transactional attempt that committed is not tried again when it is late") { run in
            let storage = try await run.storage()
            let latch = Latch()
            let runs = Counters()
            let dead = Counters()
            let committed = Counters()
            let late = Intercepting { context, next in
                try await next()
                committed.increment("committed")
                if context.envelope.orderingKey != nil, committed.value("committed") == 1 { await latch.wait() }
            }
            let ledger = storage.subscription(
                "ledger", to: ConformanceEvent.self, policy: DeliveryPolicy(maxRetries: 0, timeout: .seconds(3)),
                onExhausted: { _ in dead.increment("dead") }
            ) { event, tx, _ in
                if event.number == 1 { runs.increment("runs") }
                try tx.putRow("entry", for: "\(event.number)")
            }
            let configuration = EngineConfiguration(interceptors: [late])
            try await run.running(storage, configuration: configuration, [ledger]) { engine in
                try await run.emit(contentsOf: [1, 2].map { ConformanceEvent(number: $0, key: "a") }, engine)
                try await run.eventually("the handler committed", engine) { committed.value("committed") == 1 }
                let before = runs.value("runs")
                run.clock.advance(by: .seconds(3))
                try await run.eventually("the late failure is refused", engine) {
                    try await engine.totals("ledger").staleSettles == 1
                }
                latch.open()
                try await engine.drain()
                try requireEqual(runs.value("runs"), before, "runs of the handler")
                try requireEqual(try await engine.deadLetters().count, 0)
                try requireEqual(dead.value("dead"), 0)
                try requireEqual(try await engine.counts("ledger"), DeliveryCounts(), "its key goes on")
            }
            try requireEqual(try await storage.rows().count, 2)
        },
    ]
}

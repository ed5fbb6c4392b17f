import AfterCommit

extension ConformanceSuite {
    static let deliveryCases: [ConformanceCase] = [
        ConformanceCase(.atLeastOnce, "each subscription of the type gets each event once where nothing fails") { run in
            let storage = try await run.storage()
            let first = RecordingHandler<ConformanceEvent>()
            let second = RecordingHandler<ConformanceEvent>()
            let other = RecordingHandler<Named>()
            var subscriptions = run.fitting(first.subscription("first"), second.subscription("second"))
            let hasOthers = run.can([.manySubscriptions, .manyEventTypes])
            if hasOthers { subscriptions.append(other.subscription("other")) }
            try await run.running(storage, subscriptions) { engine in
                try await run.emit(contentsOf: (0..<500).map { ConformanceEvent(number: $0) }, engine)
                if hasOthers { try await engine.emit(Named(name: "a")) }
                for number in 500..<600 { try await run.emit(ConformanceEvent(number: number), engine) }
                try await engine.drain()
                try requireEqual(first.numbers.sorted(), Array(0..<600))
                if run.can(.manySubscriptions) { try requireEqual(second.numbers.sorted(), Array(0..<600)) }
                if hasOthers { try requireEqual(other.names, ["a"]) }
            }
        },
        ConformanceCase(.atLeastOnce, "what was not settled is delivered by the next engine") { run in
            let storage = try await run.storage()
            let stuck = Latch()
            let first = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 2 { await stuck.wait() }
            }
            try await run.running(storage, [first.subscription()]) { engine in
                try await run.emit(contentsOf: (1...3).map { ConformanceEvent(number: $0) }, engine)
                await first.waitForCalls(3)
            }
            stuck.open()
            let second = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [second.subscription()]) { engine in
                try await engine.drain()
                try require(second.numbers.contains(2), "the unfinished delivery is missing")
                try require(Set(second.numbers).isSubset(of: [1, 2, 3]), "unknown events")
                try requireEqual(second.calls.first { $0.event.number == 2 }?.context.attempt, 1)
            }
        },
        ConformanceCase(.atLeastOnce, "a new subscription starts at the next event", requires: .manySubscriptions) {
            run in
            let storage = try await run.storage()
            let first = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [first.subscription("first")]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await engine.drain()
            }
            let late = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [first.subscription("first"), late.subscription("late")]) { engine in
                try await run.emit(ConformanceEvent(number: 2), engine)
                try await engine.drain()
                try requireEqual(late.numbers, [2])
                try requireEqual(first.numbers, [1, 2])
                guard run.can(.keepsHistory) else { return }
                let records = try await engine.deliveries(DeliveryQuery(subscription: "late"))
                try requireEqual(records.map(\.state), [.delivered], "states of what the late one was owed")
            }
        },
        ConformanceCase(
            .atLeastOnce, "many events of other types in between hold nothing up", requires: .manyEventTypes
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                try await engine.emit(contentsOf: (0..<20_000).map { Named(name: "\($0)") })
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await engine.drain()
                try requireEqual(handler.numbers, [1])
            }
        },
        ConformanceCase(.atLeastOnce, "an envelope arrives as it was emitted") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let event = ConformanceEvent(number: 7, key: "order 7/ü", padding: "line\nbreak\u{0}\"quoted\"")
                let id = try await run.emit(event, headers: ["correlationid": "c-1"], engine)
                try await engine.drain()
                guard let call = handler.calls.first else { throw Refusal() }
                try requireEqual(call.event, event)
                try requireEqual(call.context.eventID, id)
                try requireEqual(call.context.envelope.type, ConformanceEvent.type)
                try requireEqual(call.context.envelope.source, "/conformance")
                try requireEqual(call.context.envelope.orderingKey, event.key)
                try requireEqual(call.context.envelope.time, run.clock.wallClock.now())
                if run.can(.keepsHeaders) { try requireEqual(call.context.headers["correlationid"], "c-1") }
                guard run.can(.keepsHistory) else { return }
                let found = try await engine.deliveries(DeliveryQuery(eventID: id))
                try requireEqual(found.map(\.state), [.delivered])
                let byKey = try await engine.deliveries(DeliveryQuery(orderingKey: event.key))
                try requireEqual(byKey.map(\.envelope.id), [id])
            }
        },
        ConformanceCase(.atLeastOnce, "an event that cannot be stored is refused whole") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                try await requireThrows("a bad header name is refused", matching: { $0 is EmitError }) {
                    try await run.emit(ConformanceEvent(number: 1), headers: ["Not-Allowed": "x"], engine)
                }
                try await requireThrows("a long ordering key is refused", matching: { $0 is EmitError }) {
                    try await run.emit(ConformanceEvent(number: 2, key: String(repeating: "k", count: 401)), engine)
                }
                try await engine.drain()
                try requireEqual(handler.numbers, [])
            }
        },
        ConformanceCase(
            .independentSubscriptions, "one that always fails neither repeats nor delays another's",
            requires: .manySubscriptions
        ) {
            run in
            let storage = try await run.storage()
            let good = RecordingHandler<ConformanceEvent>()
            let bad = FailingHandler<ConformanceEvent>()
            let subscriptions = [
                good.subscription("good"),
                Subscription("bad", to: ConformanceEvent.self, endpoint: Endpoint("bad", breaker: nil)) {
                    try await bad($0, $1)
                },
            ]
            try await run.running(storage, subscriptions) { engine in
                try await run.emit(contentsOf: (0..<5).map { ConformanceEvent(number: $0) }, engine)
                try await engine.waitUntilIdle()
                try requireEqual(good.numbers.sorted(), Array(0..<5), "before any time has passed")
                try await run.pass(.seconds(20), engine)
                try requireEqual(good.calls.count, 5)
                try requireEqual(try await engine.counts("bad").deadLettered, 5)
                try requireEqual(try await engine.counts("good"), DeliveryCounts())
            }
        },
        ConformanceCase(.independentSubscriptions, "one that hangs delays no other", requires: .manySubscriptions) {
            run in
            let storage = try await run.storage()
            let latch = Latch()
            let good = RecordingHandler<ConformanceEvent>()
            let stuck = RecordingHandler<ConformanceEvent> { _, _ in await latch.wait() }
            try await run.running(storage, [stuck.subscription("stuck"), good.subscription("good")]) { engine in
                try await run.emit(contentsOf: (0..<20).map { ConformanceEvent(number: $0) }, engine)
                await good.waitForCalls(20)
                latch.open()
                try await engine.drain()
                try requireEqual(stuck.succeeded.count, 20)
            }
        },
    ]
}

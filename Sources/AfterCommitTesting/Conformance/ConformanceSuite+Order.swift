import AfterCommit

extension ConformanceSuite {
    static let orderCases: [ConformanceCase] = [
        ConformanceCase(.order, "one key is delivered in commit order, one at a time; keys side by side") { run in
            let storage = try await run.storage()
            let lastOfKey = Counters()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                try lastOfKey.enter(event.key ?? "", event.number)
                await Task.yield()
                lastOfKey.leave(event.key ?? "")
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                for number in 0..<300 {
                    try await run.emit(ConformanceEvent(number: number, key: "key-\(number % 7)"), engine)
                }
                try await engine.drain()
                try requireEqual(handler.succeeded.count, 300)
                try requireEqual(handler.calls.count, 300, "attempts: the order was broken")
            }
        },
        ConformanceCase(.order, "a retrying head blocks its key and no other") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                if event.number == 1, context.attempt <= 2 { throw Refusal() }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 1, key: "a"), engine)
                try await engine.waitUntilIdle()
                try await run.emit(
                    contentsOf: [
                        ConformanceEvent(number: 2, key: "a"), ConformanceEvent(number: 3, key: "b"),
                        ConformanceEvent(number: 4, key: "a"), ConformanceEvent(number: 5),
                    ], engine)
                try await engine.waitUntilIdle()
                try requireEqual(Set(handler.succeeded.map(\.event.number)), [3, 5])
                let counts = try await engine.counts()
                try requireEqual(counts.blocked, 2)
                try requireEqual(counts.retrying, 1)
                try await run.pass(.seconds(5), engine)
                let ofKey = handler.succeeded.map(\.event).filter { $0.key == "a" }.map(\.number)
                try requireEqual(ofKey, [1, 2, 4])
            }
        },
        ConformanceCase(.order, "after exhaustion the key is blocked until its dead letter is redriven") { run in
            let storage = try await run.storage()
            let mended = Counters()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 1, mended.value("mended") == 0 { throw Refusal() }
            }
            try await run.running(storage, [handler.subscription(policy: DeliveryPolicy(maxRetries: 0))]) { engine in
                try await run.emit(contentsOf: (1...4).map { ConformanceEvent(number: $0, key: "a") }, engine)
                try await engine.waitUntilIdle()
                try requireEqual(handler.numbers, [1])
                let counts = try await engine.counts()
                try requireEqual(counts.blocked, 3)
                try requireEqual(counts.deadLettered, 1)
                mended.increment("mended")
                try await engine.redrive(try await engine.deadLetters().map(\.id))
                try await engine.drain()
                try requireEqual(handler.succeeded.map(\.event.number), [1, 2, 3, 4])
            }
        },
        ConformanceCase(.order, "deleting the dead letter frees its key") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 1 { throw HandlerOutcome.permanent(Refusal()) }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(contentsOf: (1...3).map { ConformanceEvent(number: $0, key: "a") }, engine)
                try await engine.drain()
                try requireEqual(handler.succeeded.count, 0)
                try await engine.deleteDeadLetters(try await engine.deadLetters().map(\.id))
                try await engine.drain()
                try requireEqual(handler.succeeded.map(\.event.number), [2, 3])
                try requireEqual(try await engine.deadLetters().count, 0)
            }
        },
        ConformanceCase(.order, "a key goes on whose dead letter is deleted in the storage, without the engine") {
            run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number % 3 == 1 { throw HandlerOutcome.permanent(Refusal()) }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(
                    contentsOf: (1...9).map { ConformanceEvent(number: $0, key: "key-\(($0 - 1) / 3)") }, engine)
                try await engine.drain()
                let ids = try await engine.deadLetters().map(\.id)
                let sequences = ids.map(\.sequence)
                let before = try await storage.settled(among: sequences, subscription: "recorder")
                try requireEqual(before, [], "what is a dead letter is not settled for good")
                try requireEqual(try await storage.deleteDeadLetters([ids[0]]), [ids[0]])
                let after = try await storage.settled(among: sequences, subscription: "recorder")
                try requireEqual(after, [ids[0].sequence])
                try await run.eventually("the key goes on", engine) { handler.succeeded.count == 2 }
                try await engine.drain()
                try requireEqual(handler.succeeded.map(\.event.number), [2, 3], "the other keys wait")
                // By now the engine runs for certain.
                try requireEqual(try await storage.deleteDeadLetters([ids[1]]), [ids[1]])
                try await run.eventually("the next key goes on", engine) { handler.succeeded.count == 4 }
                try requireEqual(try await storage.redrive([ids[2]]), [ids[2]])
                let redriven = try await storage.settled(among: sequences, subscription: "recorder")
                try requireEqual(redriven, [ids[0].sequence, ids[1].sequence])
            }
        },
        ConformanceCase(.order, "with `skip` the key goes on without the dead one") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 1 { throw Refusal() }
            }
            let policy = DeliveryPolicy(maxRetries: 1, whenKeyExhausted: .skip)
            try await run.running(storage, [handler.subscription(policy: policy)]) { engine in
                try await run.emit(contentsOf: (1...3).map { ConformanceEvent(number: $0, key: "a") }, engine)
                try await run.pass(.seconds(3), engine)
                try requireEqual(handler.succeeded.map(\.event.number), [2, 3])
                try requireEqual(try await engine.counts().deadLettered, 1)
            }
        },
        ConformanceCase(
            .order, "past the window of blocked deliveries the subscription waits, visibly", requires: .boundsBlocked
        ) { run in
            let storage = try await run.storage()
            let mended = Counters()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 0, mended.value("mended") == 0 { throw Refusal() }
            }
            let policy = DeliveryPolicy(maxRetries: 0, maxBlocked: 10)
            let configuration = EngineConfiguration(maxInFlight: 8)
            try await run.running(
                storage, configuration: configuration, [handler.subscription(policy: policy)]
            ) { engine in
                try await run.emit(ConformanceEvent(number: 0, key: "a"), engine)
                try await engine.waitUntilIdle()
                try await run.emit(contentsOf: (1...100).map { ConformanceEvent(number: $0, key: "a") }, engine)
                try await run.emit(ConformanceEvent(number: 101), engine)
                try await engine.waitUntilIdle()
                let blocked = try await engine.counts().blocked
                try require((10...50).contains(blocked), "\(blocked) are blocked, the window is 10")
                try requireEqual(handler.succeeded.count, 0)
                try requireEqual(try await engine.status().first?.parked, .tooManyBlocked)
                mended.increment("mended")
                try await engine.redrive(try await engine.deadLetters().map(\.id))
                try await engine.drain()
                let ofKey = handler.succeeded.map(\.event).filter { $0.key == "a" }.map(\.number)
                try requireEqual(ofKey, Array(0...100))
                try requireEqual(handler.succeeded.count, 102)
            }
        },
        ConformanceCase(.order, "the order of a key outlives the process", requires: .durable) { run in
            let storage = try await run.storage()
            let failing = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 1 { throw Refusal() }
            }
            try await run.running(storage, [failing.subscription()]) { engine in
                try await run.emit(contentsOf: (1...5).map { ConformanceEvent(number: $0, key: "a") }, engine)
                try await engine.waitUntilIdle()
                try requireEqual(failing.numbers, [1])
            }
            let reopened = try await run.reopen(storage)
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(reopened, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 6, key: "a"), engine)
                try await engine.waitUntilIdle()
                try requireEqual(handler.numbers, [], "the head is not due yet")
                try await run.pass(.seconds(2), engine)
                try requireEqual(handler.numbers, [1, 2, 3, 4, 5, 6])
                try requireEqual(handler.calls.first?.context.attempt, 2)
            }
        },
    ]
}

import AfterCommit

/// Where subscriptions begin, and those that are gone.
extension ConformanceSuite {
    static let replayCases: [ConformanceCase] = [
        ConformanceCase(
            .replay, "a new subscription starts now, or at the beginning of what is kept",
            requires: [.replay, .manySubscriptions]
        ) { run in
            let storage = try await run.storage()
            let old = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [old.subscription("old")]) { engine in
                try await run.emit(contentsOf: (0..<50).map { ConformanceEvent(number: $0, key: "k") }, engine)
                try await engine.drain()
            }
            let now = RecordingHandler<ConformanceEvent>()
            let replay = RecordingHandler<ConformanceEvent>()
            let subscriptions = [
                old.subscription("old"), now.subscription("now"),
                Subscription("replay", to: ConformanceEvent.self, start: .beginning) { try await replay($0, $1) },
            ]
            for round in 0..<2 {
                try await run.running(storage, subscriptions) { engine in
                    try await run.emit(ConformanceEvent(number: 50 + round, key: "k"), engine)
                    try await engine.drain()
                }
            }
            // One that has its place goes on there, whatever its start says.
            try requireEqual(now.numbers, [50, 51])
            try requireEqual(replay.numbers, Array(0...51))
            try requireEqual(old.numbers, Array(0...51))
        },
        ConformanceCase(
            .replay, "a subscription that is gone from the code is reported, and can be forgotten",
            requires: [.replay, .manySubscriptions]
        ) { run in
            let storage = try await run.storage()
            let gone = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 0 { throw HandlerOutcome.permanent(Refusal()) }
                throw HandlerOutcome.retry(after: .seconds(30))
            }
            let live = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [gone.subscription("gone"), live.subscription("live")]) { engine in
                try await run.emit(contentsOf: [0, 1].map { ConformanceEvent(number: $0) }, engine)
                try await engine.waitUntilIdle()
                try requireEqual(try await engine.orphanedSubscriptions(), [])
            }
            try await run.running(storage, [live.subscription("live")]) { engine in
                try await run.emit(ConformanceEvent(number: 2), engine)
                try await engine.drain()
                let orphans = try await engine.orphanedSubscriptions()
                try requireEqual(orphans.map(\.name), ["gone"])
                try requireEqual(orphans.first?.counts.retrying, 1)
                try requireEqual(orphans.first?.counts.deadLettered, 1)
                try requireEqual(orphans.first?.counts.pending, 1, "events since its engine ended")
                try await requireThrows(
                    "a live one is not forgotten",
                    matching: { ($0 as? EngineError)?.code == .invalidConfiguration }
                ) {
                    try await engine.forgetSubscription("live")
                }
                try requireEqual(try await engine.forgetSubscription("unknown"), nil)
                let forgotten = try await engine.forgetSubscription("gone")
                try requireEqual(forgotten?.retrying, 1)
                try requireEqual(forgotten?.deadLettered, 1)
                try requireEqual(try await engine.orphanedSubscriptions(), [])
                try requireEqual(try await engine.deadLetters().count, 0)
                try requireEqual(try await engine.forgetSubscription("gone"), nil)
            }
            // Its name is a new one again.
            let back = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [back.subscription("gone"), live.subscription("live")]) { engine in
                try await run.emit(ConformanceEvent(number: 3), engine)
                try await engine.drain()
                try requireEqual(back.numbers, [3])
                try requireEqual(live.numbers, [0, 1, 2, 3])
            }
        },
        ConformanceCase(
            .replay, "a subscription that comes back finds what waited for it",
            requires: [.durable, .replay, .manySubscriptions]
        ) { run in
            let storage = try await run.storage()
            let back = RecordingHandler<ConformanceEvent>()
            let live = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [back.subscription("back"), live.subscription("live")]) { engine in
                try await run.emit(ConformanceEvent(number: 0), engine)
                try await engine.drain()
            }
            try await run.running(storage, [live.subscription("live")]) { engine in
                try await run.emit(contentsOf: (1...20).map { ConformanceEvent(number: $0) }, engine)
                try await engine.drain()
            }
            let reopened = try await run.reopen(storage)
            try await run.running(reopened, [back.subscription("back"), live.subscription("live")]) { engine in
                try await engine.drain()
                try requireEqual(back.numbers.sorted(), Array(0...20))
                try requireEqual(live.numbers.sorted(), Array(0...20))
            }
        },
        ConformanceCase(
            .replay, "a subscription that asks for other types goes on from its place with them",
            requires: [.replay, .manyEventTypes]
        ) { run in
            let storage = try await run.storage()
            let numbered = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [numbered.subscription("both")]) { engine in
                try await engine.emit(Named(name: "before"))
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await engine.drain()
            }
            let types = Kept<EventType>()
            let both = Subscription("both", matching: "conformance.*") { envelope, _ in types.append(envelope.type) }
            try await run.running(storage, [both]) { engine in
                try await engine.emit(Named(name: "after"))
                try await run.emit(ConformanceEvent(number: 2), engine)
                try await engine.drain()
                try requireEqual(
                    types.values.map(\.rawValue).sorted(), [Named.type.rawValue, ConformanceEvent.type.rawValue])
            }
        },
    ]
}

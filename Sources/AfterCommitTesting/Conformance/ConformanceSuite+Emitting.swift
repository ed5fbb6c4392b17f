import AfterCommit
import Foundation

/// What handlers emit through their context.
extension ConformanceSuite {
    static let emittingCases: [ConformanceCase] = [
        ConformanceCase(
            .afterCommit, "what a handler emits is delivered, and tells what caused it",
            requires: [.handlersEmit, .manyEventTypes, .manySubscriptions, .keepsHeaders]
        ) { run in
            let storage = try await run.storage()
            let last = RecordingHandler<Named>()
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                if event.number > 0 { try context.emit(ConformanceEvent(number: event.number - 1)) }
                if event.number == 0 { try context.emit(Named(name: "last"), headers: ["tenant": "t-1"]) }
            }
            try await run.running(storage, [handler.subscription(), last.subscription()]) { engine in
                let first = try await run.emit(ConformanceEvent(number: 2), engine)
                try await engine.drain()
                try requireEqual(handler.numbers, [2, 1, 0])
                try requireEqual(last.names, ["last"])
                let contexts = handler.calls.map(\.context) + last.calls.map(\.context)
                for (cause, effect) in zip(contexts, contexts.dropFirst()) {
                    try requireEqual(effect.headers["causationid"], "\(cause.eventID)")
                    try requireEqual(effect.headers["correlationid"], "\(first)")
                }
                try requireEqual(contexts.last?.headers["tenant"], "t-1")
                try requireEqual(try await engine.counts(), DeliveryCounts())
            }
        },
        ConformanceCase(
            .afterCommit, "an event's own correlationid goes on to what its handler emits",
            requires: [.handlersEmit, .manyEventTypes, .manySubscriptions, .keepsHeaders]
        ) { run in
            let storage = try await run.storage()
            let named = RecordingHandler<Named>()
            let handler = RecordingHandler<ConformanceEvent> { _, context in try context.emit(Named(name: "a")) }
            try await run.running(storage, [handler.subscription(), named.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 1), headers: ["correlationid": "request-7"], engine)
                try await engine.drain()
                try requireEqual(named.calls.first?.context.headers["correlationid"], "request-7")
            }
        },
        ConformanceCase(
            .afterCommit, "of a failed, a discarded or a snoozed attempt nothing it emitted is seen",
            requires: [.handlersEmit, .manyEventTypes, .manySubscriptions]
        ) {
            run in
            let storage = try await run.storage()
            let named = RecordingHandler<Named>()
            let until = run.clock.wallClock.now() + 1
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                try context.emit(Named(name: "\(event.number)-\(context.attempt)"))
                switch event.number {
                case 0 where context.attempt == 1: throw Refusal()
                case 1: throw HandlerOutcome.discard("not needed")
                case 2: throw HandlerOutcome.permanent(Refusal())
                case 3 where context.startedAt < until: throw HandlerOutcome.snooze(until: until)
                default: break
                }
            }
            try await run.running(storage, [handler.subscription(), named.subscription()]) { engine in
                try await run.emit(contentsOf: (0...4).map { ConformanceEvent(number: $0) }, engine)
                try await run.pass(.seconds(3), engine)
                try await engine.drain()
                try requireEqual(named.names.sorted(), ["0-2", "3-1", "4-1"])
            }
        },
        ConformanceCase(
            .afterCommit, "of an attempt that timed out or was cancelled nothing it emitted is seen",
            requires: [.handlersEmit, .manyEventTypes, .manySubscriptions]
        ) {
            run in
            let storage = try await run.storage()
            let latch = Latch()
            let named = RecordingHandler<Named>()
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                guard context.attempt == 1 else { return }
                try context.emit(Named(name: "late"))
                await latch.wait()
            }
            let policy = DeliveryPolicy(timeout: .seconds(3))
            try await run.running(
                storage, [handler.subscription(policy: policy), named.subscription()]
            ) { engine in
                let id = try await run.emit(ConformanceEvent(number: 2), engine)
                await handler.waitForCalls(1)
                try await engine.cancel(try await engine.ids(id))
                try await run.emit(ConformanceEvent(number: 1), engine)
                await handler.waitForCalls(2)
                run.clock.advance(by: .seconds(3))
                try await run.eventually("the attempt failed at its deadline", engine) {
                    try await engine.counts().retrying == 1
                }
                latch.open()
                try await run.pass(.seconds(2), engine)
                try await engine.drain()
                try requireEqual(named.names, [])
                try requireEqual(handler.succeeded.filter { $0.context.attempt == 2 }.map(\.event.number), [1])
            }
        },
        ConformanceCase(
            .afterCommit, "a context emits no more once its attempt has ended",
            requires: [.handlersEmit, .manyEventTypes, .manySubscriptions]
        ) { run in
            let storage = try await run.storage()
            let named = RecordingHandler<Named>()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription(), named.subscription()]) { engine in
                try await run.emit(contentsOf: (0..<20).map { ConformanceEvent(number: $0) }, engine)
                try await engine.drain()
                for call in handler.calls {
                    try await requireThrows("it throws attemptEnded", matching: { $0 as? EmitError == .attemptEnded }) {
                        try call.context.emit(Named(name: "late"))
                    }
                }
                try await engine.drain()
                try requireEqual(named.names, [])
            }
        },
        ConformanceCase(
            .afterCommit, "what a handler emitted outlives the process, and is stored once",
            requires: [.durable, .handlersEmit, .manyEventTypes, .manySubscriptions]
        ) { run in
            let storage = try await run.storage()
            let latch = Latch()
            let stuck = RecordingHandler<Named> { _, _ in await latch.wait() }
            let handler = RecordingHandler<ConformanceEvent> { _, context in try context.emit(Named(name: "kept")) }
            try await run.running(storage, [handler.subscription(), stuck.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                await stuck.waitForCalls(1)
            }
            latch.open()
            let reopened = try await run.reopen(storage)
            let named = RecordingHandler<Named>()
            try await run.running(reopened, [handler.subscription(), named.subscription()]) { engine in
                try await engine.drain()
                try requireEqual(named.names, ["kept"])
                try requireEqual(handler.calls.count, 1, "attempts of what had emitted it")
            }
        },
        ConformanceCase(
            .afterCommit, "a delay and a deduplication key hold for what handlers emit",
            requires: [.handlersEmit, .manyEventTypes, .manySubscriptions, .delayedEvents, .deduplication]
        ) { run in
            let storage = try await run.storage()
            let named = RecordingHandler<Named>()
            let at = run.clock.wallClock.now() + 60
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                try context.emit(Named(name: "delayed"), at: at)
                try context.emit(Named(name: "\(event.number / 2)"), deduplicationKey: "key")
            }
            try await run.running(
                storage, [handler.subscription(policy: DeliveryPolicy(concurrency: 1)), named.subscription()]
            ) { engine in
                // The first two emit one event under one key; the third another, which is refused without its delivery.
                for number in 0...2 {
                    try await run.emit(ConformanceEvent(number: number), engine)
                    try await engine.drain()
                }
                try requireEqual(named.names, ["0"])
                try requireEqual(try await engine.totals().delivered, 3)
                try await run.pass(.seconds(61), step: .seconds(1), engine)
                try requireEqual(named.names, ["0", "delayed", "delayed", "delayed"])
            }
        },
    ]
}

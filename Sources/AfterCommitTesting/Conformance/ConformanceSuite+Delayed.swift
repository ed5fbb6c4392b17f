import AfterCommit
import Foundation

extension ConformanceSuite {
    static let delayedCases: [ConformanceCase] = [
        ConformanceCase(
            .delayedEvents, "they come at their moment, not before, in the order of their moments",
            requires: .delayedEvents
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let now = run.clock.wallClock.now()
            try await run.running(storage, [handler.subscription()]) { engine in
                for number in [30, 10, 20] {
                    try await engine.emit(ConformanceEvent(number: number, key: "k"), at: now + Double(number))
                }
                try await engine.emit(ConformanceEvent(number: 0, key: "k"), at: now)
                try await engine.emit(ConformanceEvent(number: 1, key: "k"), at: now - 5)
                try await engine.drain()
                try requireEqual(handler.numbers, [0, 1], "those whose moment is there")
                run.clock.advance(by: .seconds(10) - .milliseconds(1))
                try await engine.waitUntilIdle()
                try requireEqual(handler.numbers, [0, 1], "a millisecond before")
                run.clock.advance(by: .milliseconds(1))
                try await engine.waitUntilIdle()
                try requireEqual(handler.numbers, [0, 1, 10])
                // It takes its place at its moment, not when it was emitted.
                try await engine.emit(ConformanceEvent(number: 15, key: "k"))
                run.clock.advance(by: .seconds(60))
                try await engine.waitUntilIdle()
                try requireEqual(handler.numbers, [0, 1, 10, 15, 20, 30])
                try requireEqual(Set(handler.calls.map(\.context.attempt)), [1])
            }
        },
        ConformanceCase(
            .delayedEvents, "they are stored with their transaction, or not at all", requires: .delayedEvents
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let at = run.clock.wallClock.now() + 60
            try await run.running(storage, [handler.subscription()]) { engine in
                try await storage.transaction { tx in
                    try tx.emit(ConformanceEvent(number: 1), at: at)
                    try? tx.savepoint {
                        try tx.emit(ConformanceEvent(number: 2), at: at)
                        throw Refusal()
                    }
                }
                try await requireThrows("the body's error comes out", matching: { $0 is Refusal }) {
                    try await storage.transaction { tx in
                        try tx.emit(ConformanceEvent(number: 3), at: at)
                        throw Refusal()
                    }
                }
                try requireEqual(try await engine.delayedEvents().count, 1)
                try await run.pass(.seconds(60), step: .seconds(10), engine)
                try requireEqual(handler.numbers, [1])
            }
        },
        ConformanceCase(
            .delayedEvents, "they are listed by pages, and deleted until their moment", requires: .delayedEvents
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let now = run.clock.wallClock.now()
            try await run.running(storage, [handler.subscription()]) { engine in
                var ids: [EventID] = []
                for number in 1...5 {
                    ids.append(try await engine.emit(ConformanceEvent(number: number), at: now + Double(number)))
                }
                var pages: [[DelayedEvent]] = []
                repeat {
                    pages.append(try await engine.delayedEvents(after: pages.last?.last?.position, limit: 2))
                } while pages.last?.isEmpty == false
                try requireEqual(
                    pages.map { $0.map(\.envelope.id) }, [[ids[0], ids[1]], [ids[2], ids[3]], [ids[4]], []])
                try requireEqual(try await engine.delayedEvents().map(\.deliverAt), (1...5).map { now + Double($0) })
                try requireEqual(try await engine.cancelDelayed([ids[1], ids[3], EventID(UUID())]), [ids[1], ids[3]])
                try requireEqual(try await engine.cancelDelayed([ids[1]]), [], "deleted already")
                try await run.pass(.seconds(5), step: .seconds(1), engine)
                try requireEqual(handler.numbers.sorted(), [1, 3, 5])
                try requireEqual(try await engine.cancelDelayed(ids), [], "published already")
                try requireEqual(try await engine.delayedEvents().count, 0)
            }
        },
        ConformanceCase(
            .delayedEvents, "a page goes on where the last ended, whatever became of its events",
            requires: .delayedEvents
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let now = run.clock.wallClock.now()
            try await run.running(storage, [handler.subscription()]) { engine in
                var ids: [EventID] = []
                // The last two at one moment.
                for number in 1...6 {
                    ids.append(
                        try await engine.emit(ConformanceEvent(number: number), at: now + Double(min(number, 5))))
                }
                let first = try await engine.delayedEvents(limit: 2)
                // The first is published, the second deleted.
                try requireEqual(try await engine.cancelDelayed([ids[1]]), [ids[1]])
                try await run.pass(.seconds(1), step: .seconds(1), engine)
                try requireEqual(handler.numbers, [1])
                let second = try await engine.delayedEvents(after: first.last?.position, limit: 3)
                try requireEqual(second.map(\.envelope.id), Array(ids[2...4]))
                try requireEqual(try await engine.cancelDelayed([ids[4]]), [ids[4]])
                let third = try await engine.delayedEvents(after: second.last?.position, limit: 3)
                try requireEqual(third.map(\.envelope.id), [ids[5]])
                let again = try await engine.delayedEvents(after: first.first?.position, limit: 9)
                try requireEqual(again.map(\.envelope.id), [ids[2], ids[3], ids[5]])
            }
        },
        ConformanceCase(
            .delayedEvents, "a drain waits for them where it is asked to", requires: [.delayedEvents, .handlersEmit]
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                // One more, a minute later, until none is left.
                if event.number > 0 {
                    try context.emit(
                        ConformanceEvent(number: event.number - 1), at: run.clock.wallClock.now() + 60)
                }
            }
            let engine = try await run.engine(storage, [handler.subscription()])
            try await engine.emit(ConformanceEvent(number: 3))
            try await engine.drain()
            try requireEqual(handler.numbers, [3], "without being asked it waits for none")
            let drain = Task { try await engine.drain(includingDelayed: true) }
            for expected in 2...4 {
                try await run.eventually("a delayed event is stored", engine) {
                    try await !engine.delayedEvents().isEmpty
                }
                run.clock.advance(by: .seconds(60))
                try await run.eventually("the next one is delivered", engine) { handler.calls.count == expected }
            }
            try await drain.value
            try requireEqual(handler.numbers, [3, 2, 1, 0])
        },
        ConformanceCase(
            .delayedEvents, "a deduplication key holds for one that waits", requires: [.delayedEvents, .deduplication]
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let options = EmitOptions(deliverAt: run.clock.wallClock.now() + 60, deduplicationKey: "k")
            try await run.running(storage, [handler.subscription()]) { engine in
                let first = try await engine.emit(ConformanceEvent(number: 1), options: options)
                try requireEqual(try await engine.emit(ConformanceEvent(number: 1), options: options), first)
                try requireEqual(try await engine.emit(ConformanceEvent(number: 1), deduplicationKey: "k"), first)
                try await run.pass(.seconds(120), step: .seconds(30), engine)
                try requireEqual(handler.calls.map(\.context.eventID), [first])
            }
        },
        ConformanceCase(.delayedEvents, "absurd moments harm nothing", requires: .delayedEvents) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let absurd = [Double.infinity, -.infinity, .nan, 1e300].map { Date(timeIntervalSince1970: $0) }
            let dates = [Date.distantFuture, .distantPast] + absurd
            try await run.running(storage, [handler.subscription()]) { engine in
                for (number, date) in dates.enumerated() {
                    try await engine.emit(ConformanceEvent(number: number), at: date)
                }
                try await engine.emit(ConformanceEvent(number: 10), at: run.clock.wallClock.now() + 1)
                try await run.pass(.seconds(2), engine)
                try requireEqual(handler.numbers.sorted(), [1, 3, 4, 10])
                let waiting = try await engine.delayedEvents().map(\.envelope.id)
                try requireEqual(waiting.count, 3)
                try requireEqual(try await engine.cancelDelayed(waiting).count, 3)
            }
        },
        ConformanceCase(
            .delayedEvents, "they are published although publishing fails at first", requires: .delayedEvents
        ) { run in
            let faulty = FaultInjectingStorage(try await run.storage())
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(faulty, [handler.subscription()]) { engine in
                try await engine.emit(ConformanceEvent(number: 1), at: run.clock.wallClock.now() + 60)
                try await engine.waitUntilIdle()
                faulty.failPublishing(3)
                try await run.pass(.seconds(70), step: .seconds(1), engine)
                try requireEqual(faulty.failedCount, 3)
                try requireEqual(handler.numbers, [1])
            }
        },
        ConformanceCase(
            .delayedEvents, "they outlive the process, and come when it is back", requires: [.durable, .delayedEvents]
        ) { run in
            let storage = try await run.storage()
            let now = run.clock.wallClock.now()
            let first = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [first.subscription()]) { engine in
                for number in 1...3 {
                    try await engine.emit(ConformanceEvent(number: number), at: now + 60 * Double(number))
                }
            }
            run.clock.advance(by: .seconds(90))
            let reopened = try await run.reopen(storage)
            let second = RecordingHandler<ConformanceEvent>()
            try await run.running(reopened, [second.subscription()]) { engine in
                try await engine.waitUntilIdle()
                try requireEqual(second.numbers, [1], "whose moment has passed meanwhile")
                try await run.pass(.seconds(90), step: .seconds(30), engine)
                try requireEqual(second.numbers, [1, 2, 3])
            }
        },
    ]
}

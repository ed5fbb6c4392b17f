import AfterCommit
import Foundation

/// What a person calls off.
extension ConformanceSuite {
    static let cancellingCases: [ConformanceCase] = [
        ConformanceCase(.cancellation, "what waits is called off, never tried, and put back by a redrive") { run in
            let storage = try await run.storage()
            let latch = Latch()
            let exhausted = Counters()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 0 { await latch.wait() }
            }
            let subscription = Subscription(
                "recorder", to: ConformanceEvent.self, policy: DeliveryPolicy(concurrency: 1),
                onExhausted: { _ in exhausted.increment("called") }
            ) { try await handler($0, $1) }
            let configuration = EngineConfiguration(maxInFlight: 4)
            try await run.running(storage, configuration: configuration, [subscription]) { engine in
                let events = try await run.emit(contentsOf: (0..<20).map { ConformanceEvent(number: $0) }, engine)
                await handler.waitForCalls(1)
                // One that the worker holds, and one that it never claimed.
                let ids = try await engine.ids(events[1]) + engine.ids(events[19])
                try requireEqual(try await engine.cancel(ids), ids)
                let letters = try await engine.deadLetters()
                try requireEqual(letters.map(\.reason), [.cancelled, .cancelled])
                try requireEqual(letters.map(\.history.attempts), [0, 0])
                try requireEqual(try await engine.cancel(ids), [], "they are called off already")
                latch.open()
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), [0] + Array(2..<19))
                let totals = try await engine.totals()
                try requireEqual(totals.cancelled, 2)
                try requireEqual(totals.delivered, 18)
                try requireEqual(exhausted.value("called"), 0)
                try requireEqual(Set(try await engine.redrive(ids)), Set(ids))
                try await engine.drain()
                try requireEqual(handler.succeeded.suffix(2).map(\.event.number).sorted(), [1, 19])
            }
        },
        ConformanceCase(.cancellation, "a running attempt is cancelled, and whatever it answers is refused") { run in
            let storage = try await run.storage()
            let latch = Latch()
            let seen = Counters()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 1 { return await latch.wait() }
                do { try await run.clock.sleep(for: .seconds(3600)) } catch { seen.increment("cancelled") }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(contentsOf: [1, 2].map { ConformanceEvent(number: $0) }, engine)
                await handler.waitForCalls(2)
                let ids = try await engine.ids(state: .pending)
                try requireEqual(Set(try await engine.cancel(ids)), Set(ids))
                latch.open()
                try await run.eventually("both late results are refused", engine) {
                    try await engine.totals().refusedResults == 2
                }
                try requireEqual(seen.value("cancelled"), 1)
                try await engine.drain()
                let totals = try await engine.totals()
                try requireEqual(totals.cancelled, 2)
                try requireEqual(totals.delivered, 0)
                try requireEqual(totals.failedAttempts, 0)
                try requireEqual(try await engine.counts(), DeliveryCounts(deadLettered: 2))
            }
        },
        ConformanceCase(.cancellation, "many are called off one after another while others are delivered") { run in
            let storage = try await run.storage()
            let latch = Latch()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number % 2 == 0 { await latch.wait() }
            }
            try await run.running(storage, [handler.subscription(policy: DeliveryPolicy(concurrency: 64))]) { engine in
                var called: [DeliveryID] = []
                for number in 0..<60 {
                    let id = try await run.emit(ConformanceEvent(number: number), engine)
                    if number % 2 == 0 { called += try await engine.cancel(try await engine.ids(id)) }
                }
                try requireEqual(called.count, 30)
                latch.open()
                try await engine.drain()
                try requireEqual(handler.succeeded.filter { $0.event.number % 2 == 1 }.count, 30)
                try requireEqual(try await engine.counts(), DeliveryCounts(deadLettered: 30))
            }
        },
        ConformanceCase(.cancellation, "a retrying one is called off with its history") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in throw Refusal() }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await engine.waitUntilIdle()
                let ids = try await engine.ids(state: .retrying)
                try requireEqual(try await engine.cancel(ids), ids)
                let letter = try await engine.deadLetters().first
                try requireEqual(letter?.reason, .cancelled)
                try requireEqual(letter?.history.failures.map(\.errorType), ["Refusal"])
                try await run.pass(.seconds(10), engine)
                try requireEqual(handler.calls.count, 1)
            }
        },
        ConformanceCase(.cancellation, "the key of one that is called off goes on, in order") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 1 || event.number == 11 { throw Refusal() }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                // The head of one key, and one that is blocked behind the head of another.
                let a = try await run.emit(contentsOf: (1...4).map { ConformanceEvent(number: $0, key: "a") }, engine)
                let b = try await run.emit(contentsOf: (11...14).map { ConformanceEvent(number: $0, key: "b") }, engine)
                try await engine.waitUntilIdle()
                try requireEqual(try await engine.counts().blocked, 6)
                let ids = try await engine.ids(a[0]) + engine.ids(b[1])
                try requireEqual(Set(try await engine.cancel(ids)), Set(ids))
                try await engine.waitUntilIdle()
                try requireEqual(handler.succeeded.map(\.event.number), [2, 3, 4])
                try await run.emit(ConformanceEvent(number: 15, key: "b"), engine)
                try await engine.cancel(try await engine.ids(b[0]))
                try await engine.drain()
                try requireEqual(handler.succeeded.map(\.event.number), [2, 3, 4, 13, 14, 15])
                try requireEqual(try await engine.counts(), DeliveryCounts(deadLettered: 3))
            }
        },
        ConformanceCase(.cancellation, "the running head of a key is called off, and the key goes on") { run in
            let storage = try await run.storage()
            let latch = Latch()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 1 { await latch.wait() }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                let events = try await run.emit(
                    contentsOf: (1...3).map { ConformanceEvent(number: $0, key: "a") }, engine)
                await handler.waitForCalls(1)
                try await engine.cancel(try await engine.ids(events[0]) + engine.ids(events[1]))
                try await run.eventually("the rest of the key is delivered", engine) {
                    handler.succeeded.map(\.event.number) == [3]
                }
                latch.open()
                try await engine.drain()
                try requireEqual(try await engine.counts(), DeliveryCounts(deadLettered: 2))
            }
        },
        ConformanceCase(.cancellation, "a transactional handler that has committed is not called off") { run in
            let storage = try await run.storage()
            let latch = Latch()
            let committed = Counters()
            let slow = Intercepting { _, next in
                try await next()
                committed.increment("committed")
                await latch.wait()
            }
            let ledger = storage.subscription("ledger", to: ConformanceEvent.self) { event, tx, _ in
                try tx.putRow("entry", for: "\(event.number)")
            }
            let configuration = EngineConfiguration(interceptors: [slow])
            try await run.running(storage, configuration: configuration, [ledger]) { engine in
                let id = try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.eventually("the handler committed", engine) { committed.value("committed") == 1 }
                try requireEqual(try await engine.cancel(try await engine.ids(id)), [])
                try requireEqual(try await engine.deadLetters().count, 0)
                try requireEqual(try await engine.totals("ledger").cancelled, 0)
                latch.open()
                try await engine.drain()
            }
            try await run.requireRow("entry", for: "1", storage)
        },
        ConformanceCase(.cancellation, "what is settled, dead or unknown is left as it is") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                if event.number == 2 { throw HandlerOutcome.permanent(Refusal()) }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(contentsOf: [1, 2].map { ConformanceEvent(number: $0) }, engine)
                try await engine.drain()
                let known = try await engine.deadLetters().map(\.id) + handler.calls.map(\.context.delivery)
                let sequences = known.map(\.sequence)
                let last = sequences.max() ?? 0
                let ids =
                    known + [last + 1, .max].map { DeliveryID(subscription: "recorder", sequence: $0) }
                    + sequences.map { DeliveryID(subscription: "unknown", sequence: $0) }
                try requireEqual(Set(sequences).count, 2)
                try requireEqual(try await engine.cancel(ids), [])
                try requireEqual(try await engine.deadLetters().map(\.reason), [.permanent])
                try requireEqual(try await engine.totals().cancelled, 0)
            }
        },
        ConformanceCase(.cancellation, "one that was called off stays so", requires: .durable) { run in
            let storage = try await run.storage()
            let latch = Latch()
            let stuck = RecordingHandler<ConformanceEvent> { _, _ in await latch.wait() }
            try await run.running(storage, [stuck.subscription()]) { engine in
                try await run.emit(contentsOf: [1, 2].map { ConformanceEvent(number: $0) }, engine)
                await stuck.waitForCalls(2)
                try await engine.cancel(Array(try await engine.ids(state: .pending).prefix(1)))
            }
            latch.open()
            let reopened = try await run.reopen(storage)
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(reopened, [handler.subscription()]) { engine in
                try await engine.drain()
                try requireEqual(handler.numbers, [2])
                try requireEqual(try await engine.deadLetters().map(\.reason), [.cancelled])
            }
        },
    ]
}

import AfterCommit
import Foundation

extension ConformanceSuite {
    static let crashCases: [ConformanceCase] = [
        ConformanceCase(
            .crash, "whatever state a delivery is in, it is there after the end, with its attempts", requires: .durable
        ) { run in
            let storage = try await run.storage()
            let latch = Latch()
            let first = RecordingHandler<ConformanceEvent> { event, _ in
                switch event.number {
                case 0: break
                case 1: await latch.wait()
                case 2, 3: throw Refusal()
                case 5: throw HandlerOutcome.permanent(Refusal())
                default: throw HandlerOutcome.unknownType("not yet")
                }
            }
            let policy = DeliveryPolicy(backoff: .constant(.seconds(60)), concurrency: 8)
            let engine = try await run.engine(storage, [first.subscription(policy: policy)])
            let running = Task { try await engine.run() }
            try await run.emit(
                contentsOf: [ConformanceEvent(number: 0), ConformanceEvent(number: 2), ConformanceEvent(number: 5)],
                engine)
            try await run.emit(
                contentsOf: [ConformanceEvent(number: 3, key: "a"), ConformanceEvent(number: 4, key: "a")], engine)
            try await run.emit(ConformanceEvent(number: 6), engine)
            let delays = run.can(.delayedEvents)
            if delays { try await engine.emit(ConformanceEvent(number: 7), at: run.clock.wallClock.now() + 600) }
            try await engine.waitUntilIdle()
            try await run.emit(ConformanceEvent(number: 1), engine)
            await first.waitForCalls(6)
            // Its storage ends under it, with one attempt running.
            let reopened = try await run.reopen(storage)
            latch.open()
            _ = await running.result
            var counts = try await reopened.counts(subscription: "recorder")
            counts.oldestPending = nil
            try requireEqual(
                counts, DeliveryCounts(pending: 1, retrying: 2, blocked: 1, parked: 1, deadLettered: 1))
            let records = try await reopened.deliveries(DeliveryQuery(state: .retrying))
            try requireEqual(records.map(\.history.attempts), [1, 1])
            if delays { try requireEqual(try await reopened.delayedEvents(after: nil, limit: 10).count, 1) }
            let second = RecordingHandler<ConformanceEvent>()
            try await run.running(reopened, [second.subscription(policy: policy)]) { engine in
                try await engine.waitUntilIdle()
                try requireEqual(Set(second.numbers), [1, 6], "what waits for no moment")
                try await run.pass(.seconds(60), step: .seconds(10), engine)
                try await engine.redrive(try await engine.deadLetters().map(\.id))
                try await run.pass(.seconds(600), step: .seconds(60), engine)
                try await engine.drain()
                let attempts = Dictionary(second.calls.map { ($0.event.number, $0.context.attempt) }) { $1 }
                var expected = [1: 1, 2: 2, 3: 2, 4: 1, 5: 1, 6: 1]
                if delays { expected[7] = 1 }
                try requireEqual(attempts, expected)
                try requireEqual(second.calls.count, expected.count)
                let ofKey = second.calls.map(\.event).filter { $0.key != nil }.map(\.number)
                try requireEqual(ofKey, [3, 4])
            }
        },
        ConformanceCase(
            .crash, "what was done and not settled is done again, with the same key", requires: .durable
        ) { run in
            let storage = try await run.storage()
            let faulty = FaultInjectingStorage(storage)
            faulty.failSettles(1_000_000)
            let first = RecordingHandler<ConformanceEvent>()
            let engine = try await run.engine(faulty, [first.subscription()])
            let running = Task { try await engine.run() }
            try await run.emit(contentsOf: (0..<20).map { ConformanceEvent(number: $0) }, engine)
            await first.waitForCalls(20)
            let reopened = try await run.reopen(storage)
            running.cancel()
            _ = await running.result
            let second = RecordingHandler<ConformanceEvent>()
            try await run.running(reopened, [second.subscription()]) { engine in
                try await engine.drain()
                try requireEqual(second.numbers.sorted(), Array(0..<20))
                try requireEqual(
                    Set(second.calls.map(\.context.idempotencyKey)), Set(first.calls.map(\.context.idempotencyKey)))
            }
        },
    ]
}

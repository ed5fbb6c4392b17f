import AfterCommit
import Foundation

/// Room that is reserved, delayed events that take some, and handlers that emit into a full storage.
extension ConformanceSuite {
    static let roomCases: [ConformanceCase] = [
        ConformanceCase(
            .backpressure, "what handlers emit passes a full storage's limit",
            requires: [.limited, .handlersEmit, .manyEventTypes, .manySubscriptions]
        ) { run in
            let storage = try await run.storage(isSmall: true)
            let named = RecordingHandler<Named>()
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                try context.emit(Named(name: "\(event.number)"))
            }
            try await run.running(storage, [handler.subscription(), named.subscription()]) { engine in
                try await run.emit(contentsOf: (0..<100).map { ConformanceEvent(number: $0) }, engine)
                try await engine.drain()
                try requireEqual(Set(named.names).count, 100)
            }
        },
        ConformanceCase(
            .backpressure, "what transactional handlers emit passes it too, and costs no attempt",
            requires: [.limited, .manyEventTypes, .manySubscriptions]
        ) { run in
            let storage = try await run.storage(isSmall: true)
            let named = RecordingHandler<Named>()
            let ledger = storage.subscription("ledger", to: ConformanceEvent.self) { event, tx, _ in
                try tx.emit(Named(name: "\(event.number)"))
            }
            try await run.running(storage, [ledger, named.subscription()]) { engine in
                try await run.emit(contentsOf: (0..<100).map { ConformanceEvent(number: $0) }, engine)
                try await engine.drain()
                try requireEqual(Set(named.names).count, 100)
                try requireEqual(try await engine.totals("ledger").attempts, 100)
            }
        },
        ConformanceCase(
            .backpressure, "reserved room makes others wait until it is given back",
            requires: [.limited, .suspendsWhenFull, .emitsWithoutRows]
        ) { run in
            let storage = try await run.storage(isSmall: true)
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let room = try await storage.reserveRoom(for: 95)
                let emitter = Task {
                    try await run.emit(contentsOf: (0..<50).map { ConformanceEvent(number: $0) }, engine)
                }
                try await engine.waitUntilIdle()
                try requireEqual(try await engine.deliveries().count, 0, "emitted into reserved room")
                storage.cancel(room)
                _ = try await emitter.value
                try await engine.drain()
                try requireEqual(handler.calls.count, 50)
            }
        },
        ConformanceCase(
            .backpressure, "reserved room makes others fail until it is given back",
            requires: [.limited, .durable, .emitsWithoutRows]
        ) { run in
            let storage = try await run.storage(isSmall: true)
            let padding = String(repeating: "x", count: 1000)
            try await run.running(storage, [RecordingHandler<ConformanceEvent>().subscription()]) { engine in
                let room = try await storage.reserveRoom(for: 650)
                func emit() async throws {
                    try await run.emit(
                        contentsOf: (0..<1000).map { ConformanceEvent(number: $0, padding: padding) }, engine)
                }
                try await requireThrows(
                    "others are refused", matching: { ($0 as? StorageError)?.code == .storageFull }, emit)
                storage.cancel(room)
                try await emit()
                try await engine.drain()
            }
        },
        ConformanceCase(
            .backpressure, "delayed events take room, and make emitters wait",
            requires: [.limited, .suspendsWhenFull, .delayedEvents]
        ) { run in
            let storage = try await run.storage(isSmall: true)
            let handler = RecordingHandler<ConformanceEvent>()
            let at = run.clock.wallClock.now() + 60
            try await run.running(storage, [handler.subscription()]) { engine in
                for number in 0..<100 { try await engine.emit(ConformanceEvent(number: number), at: at) }
                let emitter = Task { try await run.emit(ConformanceEvent(number: 100), engine) }
                try await engine.waitUntilIdle()
                try requireEqual(handler.calls.count, 0)
                let first = try await engine.delayedEvents(limit: 1).map(\.envelope.id)
                try requireEqual(try await engine.cancelDelayed(first), first)
                _ = try await emitter.value
                try await engine.waitUntilIdle()
                try requireEqual(handler.numbers, [100])
                try await run.pass(.seconds(60), step: .seconds(10), engine)
                try requireEqual(handler.numbers.sorted(), Array(1...100))
            }
        },
        ConformanceCase(
            .backpressure, "delayed events fill a storage too, and it recovers at their moment",
            requires: [.limited, .durable, .delayedEvents]
        ) { run in
            let storage = try await run.storage(isSmall: true)
            let handler = RecordingHandler<ConformanceEvent>()
            let at = run.clock.wallClock.now() + 60
            let padding = String(repeating: "x", count: 1000)
            try await run.running(storage, [handler.subscription()]) { engine in
                var stored = 0
                do {
                    while stored < 100_000 {
                        for _ in 0..<50 {
                            try await engine.emit(ConformanceEvent(number: stored, padding: padding), at: at)
                            stored += 1
                        }
                    }
                } catch let error as StorageError where error.code == .storageFull {}
                try require(stored < 100_000, "it never became full")
                run.clock.advance(by: .seconds(60))
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), Array(0..<stored))
                try await run.emit(ConformanceEvent(number: -1, padding: padding), engine)
                try await engine.drain()
            }
        },
    ]
}

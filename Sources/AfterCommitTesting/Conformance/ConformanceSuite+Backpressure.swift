import AfterCommit

extension ConformanceSuite {
    static let backpressureCases: [ConformanceCase] = [
        ConformanceCase(
            .backpressure, "a full storage makes emitters wait, and loses nothing",
            requires: [.limited, .suspendsWhenFull]
        ) { run in
            let storage = try await run.storage(isSmall: true)
            let latch = Latch()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in await latch.wait() }
            let emitted = Counters()
            try await run.running(storage, [handler.subscription()]) { engine in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for emitter in 0..<4 {
                        group.addTask {
                            for number in 0..<500 {
                                try await storage.transaction { tx in
                                    try tx.putRow("row", for: "\(emitter)-\(number)")
                                    try run.emit(ConformanceEvent(number: emitter * 500 + number), in: tx)
                                }
                                emitted.increment("emitted")
                            }
                        }
                    }
                    await handler.waitForCalls(1)
                    let before = emitted.value("emitted")
                    try require(before < 2000, "a full storage took everything")
                    latch.open()
                    try await group.waitForAll()
                }
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), Array(0..<2000))
            }
            let rows = try await storage.rows().count
            try requireEqual(rows, 2000)
        },
        ConformanceCase(
            .backpressure, "a waiting emitter can be cancelled", requires: [.limited, .suspendsWhenFull]
        ) { run in
            let storage = try await run.storage(isSmall: true)
            let latch = Latch()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in await latch.wait() }
            try await run.running(storage, [handler.subscription()]) { engine in
                let emitter = Task {
                    for number in 0..<100_000 { try await run.emit(ConformanceEvent(number: number), engine) }
                }
                await handler.waitForCalls(1)
                emitter.cancel()
                try await requireThrows("a cancelled emitter throws", matching: { $0 is CancellationError }) {
                    try await emitter.value
                }
                latch.open()
                try await engine.drain()
                let count = handler.succeeded.count
                try requireEqual(handler.numbers.sorted(), Array(0..<count))
            }
        },
        ConformanceCase(.backpressure, "what can never fit is refused with storageFull", requires: .limited) { run in
            let storage = try await run.storage(isSmall: true)
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let padding = String(repeating: "x", count: 1000)
                try await requireThrows(
                    "too much at once throws storageFull",
                    matching: { ($0 as? StorageError)?.code == .storageFull }
                ) {
                    try await storage.transaction { tx in
                        try tx.putRow("undone", for: "a")
                        for number in 0..<200_000 {
                            try run.emit(ConformanceEvent(number: number, padding: padding), in: tx)
                        }
                    }
                }
                let row = try await storage.rows()["a"]
                try requireEqual(row, nil)
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await engine.drain()
                try requireEqual(handler.numbers, [1])
            }
        },
        ConformanceCase(
            .backpressure, "a full storage refuses emits, goes on settling, and recovers",
            requires: [.limited, .durable]
        ) { run in
            let storage = try await run.storage(isSmall: true)
            let latch = Latch()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in await latch.wait() }
            let padding = String(repeating: "x", count: 1000)
            try await run.running(storage, [handler.subscription()]) { engine in
                var accepted: [Int] = []
                var isFull = false
                for number in 0..<200_000 where !isFull {
                    do {
                        try await run.emit(
                            contentsOf: (0..<50).map { ConformanceEvent(number: number * 50 + $0, padding: padding) },
                            engine)
                        accepted += (0..<50).map { number * 50 + $0 }
                    } catch let error as StorageError where error.code == .storageFull {
                        isFull = true
                    }
                }
                try require(isFull, "it never became full")
                latch.open()
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), accepted)
                // Rows are the user's: delivering their events makes no room.
                guard run.can(.emitsWithoutRows) else { return }
                try await run.emit(ConformanceEvent(number: -1), engine)
                try await engine.drain()
                try requireEqual(handler.calls.last?.event.number, -1)
            }
        },
        ConformanceCase(
            .backpressure, "a subscription that is gone from the code does not fill the storage",
            requires: [.limited, .manySubscriptions]
        ) { run in
            let storage = try await run.storage(isSmall: true)
            let old = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [old.subscription("old")]) { engine in
                try await run.emit(ConformanceEvent(number: -1), engine)
                try await engine.drain()
            }
            let new = RecordingHandler<ConformanceEvent>()
            let padding = String(repeating: "x", count: 4000)
            try await run.running(storage, [new.subscription("new")]) { engine in
                // Many times what fits.
                for round in 0..<40 {
                    try await run.emit(
                        contentsOf: (0..<100).map { ConformanceEvent(number: round * 100 + $0, padding: padding) },
                        engine)
                    try await engine.drain()
                }
                try requireEqual(new.calls.count, 4_000)
            }
            // It may come back: what is left for it is delivered, and nothing breaks.
            try await run.running(storage, [old.subscription("old")]) { engine in
                try await run.emit(ConformanceEvent(number: -2), engine)
                try await engine.drain()
                try require(old.numbers.contains(-2), "the returned subscription got nothing")
            }
        },
        ConformanceCase(.settlingFails, "outcomes are kept and settled later; nothing runs again") { run in
            let faulty = FaultInjectingStorage(try await run.storage())
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(faulty, [handler.subscription()]) { engine in
                faulty.failSettles(3)
                try await run.emit(contentsOf: (0..<20).map { ConformanceEvent(number: $0) }, engine)
                await handler.waitForCalls(20)
                try await run.pass(.seconds(3), step: .milliseconds(100), engine)
                try requireEqual(faulty.failedCount, 3)
                try requireEqual(handler.calls.count, 20, "attempts")
                try requireEqual(try await engine.counts(), DeliveryCounts())
            }
        },
        ConformanceCase(.settlingFails, "claiming stops at the bound of what is in flight") { run in
            let faulty = FaultInjectingStorage(try await run.storage())
            let handler = RecordingHandler<ConformanceEvent>()
            let configuration = EngineConfiguration(maxInFlight: 40)
            try await run.running(faulty, configuration: configuration, [handler.subscription()]) { engine in
                faulty.failSettles(.max)
                try await run.emit(contentsOf: (0..<500).map { ConformanceEvent(number: $0) }, engine)
                await handler.waitForCalls(40)
                try await run.pass(.seconds(60), step: .seconds(5), engine)
                try requireEqual(handler.calls.count, 40)
                faulty.failSettles(0)
                try await run.pass(.seconds(10), step: .seconds(5), engine)
                try requireEqual(handler.calls.count, 500)
            }
        },
        ConformanceCase(.settlingFails, "a claim that fails is tried again") { run in
            let faulty = FaultInjectingStorage(try await run.storage())
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(faulty, [handler.subscription()]) { engine in
                faulty.failClaims(3)
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(3), step: .milliseconds(100), engine)
                try requireEqual(faulty.failedCount, 3)
                try requireEqual(handler.numbers, [1])
            }
        },
    ]
}

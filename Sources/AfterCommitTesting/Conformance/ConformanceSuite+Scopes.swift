import AfterCommit

extension ConformanceSuite {
    static let scopeCases: [ConformanceCase] = [
        ConformanceCase(
            .afterCommit, "a scope's events are delivered once it has returned, in order", requires: .emitsWithoutRows
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let result = try await engine.afterCommit { emitter in
                    for number in 1...3 { try emitter.emit(ConformanceEvent(number: number, key: "a")) }
                    let listed = try await engine.deliveries()
                    try requireEqual(listed.count, 0, "events, while the scope is open")
                    try await engine.waitUntilIdle()
                    try requireEqual(handler.calls.count, 0, "attempts, while the scope is open")
                    return "returned"
                }
                try requireEqual(result, "returned")
                try await engine.drain()
                try requireEqual(handler.numbers, [1, 2, 3])
            }
        },
        ConformanceCase(
            .afterCommit, "a scope that throws emits nothing and gives its room back", requires: .emitsWithoutRows
        ) { run in
            let storage = try await run.storage(isSmall: run.suite.capabilities.contains(.limited))
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                for number in 0..<200 {
                    try await requireThrows("the scope's error comes out", matching: { $0 is Refusal }) {
                        try await engine.afterCommit(reserving: 50) { emitter in
                            try emitter.emit(ConformanceEvent(number: number))
                            throw Refusal()
                        }
                    }
                }
                // Room that was not given back would have filled the storage long ago.
                try await engine.afterCommit(reserving: 50) { try $0.emit(ConformanceEvent(number: 200)) }
                try await engine.drain()
                try requireEqual(handler.numbers, [200])
            }
        },
        ConformanceCase(
            .afterCommit, "a storage without room refuses before the scope runs",
            requires: [.limited, .emitsWithoutRows]
        ) { run in
            let storage = try await run.storage(isSmall: true)
            let ran = Counters()
            try await run.running(storage, [RecordingHandler<ConformanceEvent>().subscription()]) { engine in
                try await requireThrows(
                    "no room throws storageFull", matching: { ($0 as? StorageError)?.code == .storageFull }
                ) {
                    try await engine.afterCommit(reserving: 1_000_000) { _ in ran.increment("ran") }
                }
                try requireEqual(ran.value("ran"), 0, "times the scope ran")
            }
        },
        ConformanceCase(
            .afterCommit, "a scope's emitter is of no use after it, nor beyond what it reserved",
            requires: .emitsWithoutRows
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let kept = Kept<ScopedEmitter>()
            try await run.running(storage, [handler.subscription()]) { engine in
                try await engine.afterCommit(reserving: 2) { emitter in
                    kept.append(emitter)
                    try emitter.emit(ConformanceEvent(number: 1))
                    try emitter.emit(ConformanceEvent(number: 2))
                    try await requireThrows(
                        "the third of two throws", matching: { $0 as? EmitError == .moreThanReserved(count: 2) }
                    ) {
                        try emitter.emit(ConformanceEvent(number: 3))
                    }
                }
                try await requireThrows(
                    "an emit after the scope throws", matching: { $0 as? EmitError == .scopeEnded }
                ) {
                    try kept.values.first?.emit(ConformanceEvent(number: 4))
                }
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), [1, 2])
            }
        },
        ConformanceCase(.afterCommit, "an emit interceptor adds headers, and refuses with its whole transaction") {
            run in
            struct Tenant: EmitInterceptor {
                func willEmit(_ event: any Event, options: inout EmitOptions) throws {
                    if (event as? ConformanceEvent)?.number == 13 { throw Refusal() }
                    options.headers["tenant"] = "t-1"
                }
            }
            let storage = try await run.storage(interceptors: [Tenant()])
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await requireThrows("the refusal comes out as an EmitError", matching: { $0 is EmitError }) {
                    try await storage.transaction { tx in
                        try tx.putRow("undone", for: "a")
                        try run.emit(ConformanceEvent(number: 12), in: tx)
                        try run.emit(ConformanceEvent(number: 13), in: tx)
                    }
                }
                try await engine.drain()
                try requireEqual(handler.numbers, [1])
                if run.can(.keepsHeaders) {
                    try requireEqual(handler.calls.first?.context.headers["tenant"], "t-1")
                }
            }
            let row = try await storage.rows()["a"]
            try requireEqual(row, nil)
        },
    ]
}

import AfterCommit

/// What a status column on the user's rows promises, and what it leaves to the outbox.
extension ConformanceSuite {
    static let statusColumnCases: [ConformanceCase] = [
        ConformanceCase(
            .afterCommit, "a row's event is pending until it is settled, then succeeded or failed",
            requires: .statusColumn
        ) { run in
            let storage = try await run.storage()
            let seen = Kept<String?>()
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                seen.append(try await storage.status(ofRow: event.rowKey))
                switch event.number {
                case 1 where context.attempt == 1: throw Refusal()
                case 2: throw HandlerOutcome.discard("obsolete")
                case 3: throw HandlerOutcome.permanent(Refusal())
                default: break
                }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(contentsOf: (0..<4).map { ConformanceEvent(number: $0) }, engine)
                try await engine.waitUntilIdle()
                try await run.requireStatuses(["succeeded", "pending", "succeeded", "failed"], storage)
                try await run.pass(.seconds(2), engine)
                try await run.requireStatuses(["succeeded", "succeeded", "succeeded", "failed"], storage)
                try requireEqual(seen.values, seen.values.map { _ in "pending" }, "while it was handled")
                try requireEqual(seen.values.count, 5)
            }
        },
        ConformanceCase(
            .afterCommit, "a row that is written again keeps its status and is not delivered again",
            requires: .statusColumn
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                if event.number == 1, context.attempt == 1 { throw Refusal() }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(contentsOf: [0, 1].map { ConformanceEvent(number: $0) }, engine)
                try await engine.waitUntilIdle()
                try await run.rewrite(storage) { ConformanceEvent(number: $0, padding: "later") }
                try await run.requireStatuses(["succeeded", "pending"], storage)
                try await run.pass(.seconds(2), engine)
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), [0, 1, 1])
                try await run.requireStatuses(["succeeded", "succeeded"], storage)
            }
        },
        ConformanceCase(
            .afterCommit, "a mark that is rolled back leaves the row as it was", requires: .statusColumn
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let event = ConformanceEvent(number: 0)
            try await run.running(storage, [handler.subscription()]) { engine in
                try await storage.transaction { tx in
                    try tx.putRow(event.rowText, for: event.rowKey)
                    do {
                        try tx.savepoint {
                            try tx.emit(event)
                            throw Refusal()
                        }
                    } catch is Refusal {}
                }
                try await requireThrows("the body's error comes out", matching: { $0 is Refusal }) {
                    try await storage.transaction { tx in
                        try tx.emit(event)
                        throw Refusal()
                    }
                }
                try await engine.drain()
                try await run.requireStatuses([nil], storage)
                try requireEqual(handler.numbers, [])
                // Its row is there: the mark alone is enough.
                try await storage.transaction { try $0.emit(event) }
                try await engine.drain()
                try requireEqual(handler.numbers, [0])
            }
        },
        ConformanceCase(
            .atLeastOnce, "rows that never emitted are history, and never delivered", requires: .statusColumn
        ) {
            run in
            let storage = try await run.storage()
            func writeHistory(_ numbers: Range<Int>) async throws {
                try await storage.transaction { tx in
                    for event in numbers.map({ ConformanceEvent(number: $0) }) {
                        try tx.putRow(event.rowText, for: event.rowKey)
                    }
                }
            }
            try await writeHistory(0..<20)
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                try await writeHistory(20..<40)
                try await run.emit(ConformanceEvent(number: 40), engine)
                try await run.pass(.seconds(3600), step: .seconds(600), engine)
                try await engine.drain()
                try requireEqual(handler.numbers, [40])
                try await run.requireStatuses(Array(repeating: nil, count: 40) + ["succeeded"], storage)
            }
        },
        ConformanceCase(
            .atLeastOnce, "rows that were marked before there was any engine are found", requires: .statusColumn
        ) { run in
            let storage = try await run.storage()
            try await run.emit(contentsOf: (0..<20).map { ConformanceEvent(number: $0) }, storage)
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), Array(0..<20))
            }
        },
        ConformanceCase(
            .atLeastOnce, "an event is rebuilt from the row as it is when it is tried", requires: .statusColumn
        ) { run in
            let storage = try await run.storage()
            let seen = Kept<String>()
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                seen.append(event.padding)
                if context.attempt < 3 { throw Refusal() }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                let id = try await run.emit(ConformanceEvent(number: 0, padding: "written"), engine)
                try await engine.waitUntilIdle()
                for padding in ["mended", "mended again"] {
                    try await run.rewrite(storage) { ConformanceEvent(number: $0, padding: padding) }
                    try await run.pass(.seconds(2), engine)
                }
                try await engine.drain()
                try requireEqual(seen.values, ["written", "mended", "mended again"])
                try requireEqual(Set(handler.calls.map(\.context.eventID)), [id])
            }
        },
    ]
}

extension ConformanceRun {
    /// Fails the case unless the rows of the events 0, 1, 2 and so on have these statuses.
    func requireStatuses(
        _ expected: [String?], _ storage: any ConformanceStorage, file: StaticString = #fileID, line: UInt = #line
    ) async throws {
        var found: [String?] = []
        for number in expected.indices {
            found.append(try await storage.status(ofRow: ConformanceEvent(number: number).rowKey))
        }
        try requireEqual(found, expected, "as statuses of rows", file: file, line: line)
    }

    /// Writes the rows of all events once more, without emitting.
    func rewrite(
        _ storage: any ConformanceStorage, _ event: @escaping @Sendable (Int) -> ConformanceEvent
    ) async throws {
        let count = try await storage.allRows().keys.count { $0.hasPrefix(ConformanceEvent.rowPrefix) }
        try await storage.transaction { tx in
            for event in (0..<count).map(event) { try tx.putRow(event.rowText, for: event.rowKey) }
        }
    }
}

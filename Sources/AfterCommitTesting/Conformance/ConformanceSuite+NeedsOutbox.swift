import AfterCommit
import Foundation

/// What a status column cannot do is refused, by an error that names the outbox, and nothing of it is kept.
extension ConformanceSuite {
    static let needsOutboxCases: [ConformanceCase] = [
        ConformanceCase(.afterCommit, "an event before its row is refused", requires: .statusColumn) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let event = ConformanceEvent(number: 0)
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.requireNeedsOutbox("an emit without a row") {
                    try await storage.transaction { tx in
                        try tx.putRow("undone", for: "a")
                        try tx.emit(event)
                    }
                }
                try await run.requireNeedsOutbox("an emit before its row") {
                    try await storage.transaction { tx in
                        try tx.emit(event)
                        try tx.putRow(event.rowText, for: event.rowKey)
                    }
                }
                try await run.requireNeedsOutbox("an engine's emit without a row") {
                    try await engine.emit(event)
                }
                try await run.requireNeedsOutbox("a scope's emit without a row") {
                    _ = try await engine.afterCommit { try $0.emit(event) }
                }
                try await engine.drain()
                try requireEqual(handler.numbers, [])
            }
            try requireEqual(try await storage.allRows(), [:])
        },
        ConformanceCase(.afterCommit, "an event of a row whose event is pending is refused", requires: .statusColumn) {
            run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { _, context in
                if context.attempt == 1 { throw Refusal() }
            }
            let event = ConformanceEvent(number: 0)
            func emitTwice() async throws {
                try await run.requireNeedsOutbox("a second event of a pending row") {
                    try await storage.transaction { tx in
                        try tx.putRow("undone", for: "a")
                        try tx.emit(event)
                    }
                }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.requireNeedsOutbox("two events of one row in one transaction") {
                    try await storage.transaction { tx in
                        try run.emit(event, in: tx)
                        try tx.emit(event)
                    }
                }
                try requireEqual(try await storage.allRows(), [:], "what the refused transaction wrote")
                let id = try await run.emit(event, engine)
                try await emitTwice()
                try await engine.waitUntilIdle()
                // It waits for its retry.
                try await emitTwice()
                try await run.pass(.seconds(2), engine)
                try await engine.drain()
                try requireEqual(handler.calls.map(\.context.eventID), [id, id])
                try await run.requireStatuses(["succeeded"], storage)
            }
            try await run.requireRow(nil, for: "a", storage)
        },
        ConformanceCase(
            .delayedEvents, "delayed events, deduplication keys, ids and other types are refused",
            requires: .statusColumn
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let event = ConformanceEvent(number: 0)
            let options = [
                EmitOptions(deliverAt: run.clock.wallClock.now() + 60), EmitOptions(deduplicationKey: "k"),
                EmitOptions(id: storage.envelopes.ids.next()),
            ]
            try await run.running(storage, [handler.subscription()]) { engine in
                for options in options {
                    try await run.requireNeedsOutbox("an emit with \(options)") {
                        try await storage.transaction { tx in
                            try tx.putRow(event.rowText, for: event.rowKey)
                            try tx.emit(event, options: options)
                        }
                    }
                }
                try await run.requireNeedsOutbox("an event of another type") {
                    _ = try await storage.transaction { try $0.emit(Named(name: "a")) }
                }
                try requireEqual(try await storage.allRows(), [:], "what refused transactions wrote")
                try requireEqual(try await engine.delayedEvents().count, 0)
                try await run.pass(.seconds(60), step: .seconds(10), engine)
                try requireEqual(handler.numbers, [])
            }
        },
        ConformanceCase(.afterCommit, "what a handler emits with its context is refused", requires: .statusColumn) {
            run in
            let storage = try await run.storage()
            let refusals = Kept<any Error>()
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                guard event.padding.isEmpty else { return }
                for number in [event.number, event.number + 1] {
                    do {
                        try context.emit(ConformanceEvent(number: number, padding: "emitted"))
                    } catch {
                        refusals.append(error)
                    }
                }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 0), engine)
                try await engine.drain()
                try requireEqual(handler.numbers, [0])
                try requireEqual(refusals.values.count, 2)
                try require(refusals.values.allSatisfy(Self.namesOutbox), "refused by \(refusals.values)")
                try await run.requireStatuses(["succeeded"], storage)
            }
        },
        ConformanceCase(
            .configuration, "a second subscription, or one to other types, does not start", requires: .statusColumn
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let refused: [(String, [Subscription])] = [
                ("two subscriptions", [handler.subscription("a"), handler.subscription("b")]),
                ("another type", [RecordingHandler<Named>().subscription()]),
                ("a pattern of types", [Subscription("all", matching: "conformance.*") { _, _ in }]),
                ("a pattern of other types", [Subscription("all", matching: "other.*") { _, _ in }]),
            ]
            for (what, subscriptions) in refused {
                try await run.requireNeedsOutbox(what) { _ = try await run.engine(storage, subscriptions) }
            }
            // Nothing of the refused ones is left in the way.
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 0), engine)
                try await engine.drain()
                try requireEqual(handler.numbers, [0])
            }
        },
    ]

    fileprivate static func namesOutbox(_ error: any Error) -> Bool {
        guard let error = error as? StorageError else { return false }
        return error.code == .needsOutbox && error.message.contains("outbox")
    }
}

extension ConformanceRun {
    func requireNeedsOutbox(
        _ what: String, file: StaticString = #fileID, line: UInt = #line, _ body: () async throws -> Void
    ) async throws {
        try await requireThrows(
            "\(what) is refused, and the outbox named", matching: ConformanceSuite.namesOutbox, file: file, line: line,
            body)
    }
}

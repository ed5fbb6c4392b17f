import AfterCommit

extension ConformanceSuite {
    static let afterCommitCases: [ConformanceCase] = [
        ConformanceCase(.afterCommit, "a committed event is delivered, with the row it was written with") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let id = try await storage.transaction { tx in
                    try tx.putRow("written", for: "a")
                    return try run.emit(ConformanceEvent(number: 1), in: tx)
                }
                try await engine.drain()
                try requireEqual(handler.calls.map(\.context.eventID), [id])
                try requireEqual(handler.numbers, [1])
            }
            let row = try await storage.rows()["a"]
            try requireEqual(row, "written")
        },
        ConformanceCase(.afterCommit, "a handler sees the row its transaction wrote") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                let row = try await storage.rows()["\(event.number)"]
                if row == nil { throw Refusal() }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                for number in 1...50 {
                    try await storage.transaction { tx in
                        try run.emit(ConformanceEvent(number: number), in: tx)
                        try tx.putRow("later", for: "\(number)")
                    }
                }
                try await engine.drain()
                try requireEqual(handler.succeeded.count, 50)
                try requireEqual(handler.calls.count, 50, "attempts: a row was not there yet")
            }
        },
        ConformanceCase(.afterCommit, "an event of a transaction that throws is never delivered") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                try await requireThrows("the body's error comes out", matching: { $0 is Refusal }) {
                    try await storage.transaction { tx in
                        try tx.putRow("undone", for: "a")
                        try run.emit(ConformanceEvent(number: 1), in: tx)
                        throw Refusal()
                    }
                }
                try await storage.transaction { try run.emit(ConformanceEvent(number: 2), in: $0) }
                try await engine.drain()
                try requireEqual(handler.numbers, [2])
            }
            let row = try await storage.rows()["a"]
            try requireEqual(row, nil)
        },
        ConformanceCase(.afterCommit, "a savepoint that is rolled back drops its events and rows only") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                try await storage.transaction { tx in
                    try run.emit(ConformanceEvent(number: 1), in: tx)
                    try tx.putRow("outer", for: "a")
                    do {
                        try tx.savepoint {
                            try run.emit(ConformanceEvent(number: 2), in: tx)
                            try tx.putRow("inner", for: "a")
                            try tx.putRow("inner", for: "b")
                            throw Refusal()
                        }
                    } catch is Refusal {}
                    try tx.savepoint {
                        try run.emit(ConformanceEvent(number: 3), in: tx)
                        try tx.putRow("kept", for: "c")
                    }
                }
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), [1, 3])
            }
            try requireEqual(try await storage.rows(), ["a": "outer", "c": "kept"])
        },
        ConformanceCase(.afterCommit, "one failing transaction among many at once harms no other") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let failed = await withTaskGroup(of: Bool.self) { group in
                    for number in 0..<100 {
                        group.addTask {
                            do {
                                try await storage.transaction { tx in
                                    try tx.putRow("row", for: "\(number)")
                                    try run.emit(ConformanceEvent(number: number), in: tx)
                                    if number.isMultiple(of: 10) { throw Refusal() }
                                }
                                return false
                            } catch {
                                return true
                            }
                        }
                    }
                    return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                try requireEqual(failed, 10)
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), (0..<100).filter { !$0.isMultiple(of: 10) })
            }
            let rows = try await storage.rows().count
            try requireEqual(rows, 90)
        },
        ConformanceCase(.afterCommit, "a transaction that leaves its body is closed") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let escaped = Escape()
                try await storage.transaction { escaped.transaction = $0 }
                try await requireThrows(
                    "use after the body throws transactionClosed",
                    matching: { ($0 as? StorageError)?.code == .transactionClosed }
                ) {
                    try escaped.transaction?.emit(ConformanceEvent(number: 1))
                }
                try await engine.drain()
                try requireEqual(handler.numbers, [])
            }
        },
        ConformanceCase(.afterCommit, "a cancelled task's waiting transaction never runs") { run in
            let storage = try await run.storage()
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await storage.transaction { try $0.putRow("ran", for: "a") }
            }
            try await requireThrows("a cancelled transaction throws", matching: { $0 is CancellationError }) {
                try await task.value
            }
            let row = try await storage.rows()["a"]
            try requireEqual(row, nil)
        },
    ]
}

/// Carries a transaction out of its body, which the compiler forbids for honest code.
private final class Escape: @unchecked Sendable {
    var transaction: (any ConformanceTransaction)?
}

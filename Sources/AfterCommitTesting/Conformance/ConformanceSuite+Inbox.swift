import AfterCommit
import Foundation

extension ConformanceSuite {
    static let inboxCases: [ConformanceCase] = [
        ConformanceCase(.inbox, "a duplicate runs nothing and returns the stored result") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let first = try await storage.once("pay-1", request: Data("10".utf8)) { tx in
                    try tx.putRow("first", for: "a")
                    try run.emit(ConformanceEvent(number: 10), in: tx)
                    return ["result": 1]
                }
                try requireEqual(first.value, ["result": 1])
                try requireEqual(first.isDuplicate, false)
                let ran = Counters()
                for request in [Data("10".utf8), nil] {
                    let second = try await storage.once("pay-1", request: request) { tx in
                        ran.increment("ran")
                        try tx.putRow("second", for: "a")
                        try run.emit(ConformanceEvent(number: 20), in: tx)
                        return ["result": 2]
                    }
                    try requireEqual(second.value, ["result": 1])
                    try requireEqual(second.isDuplicate, true)
                }
                try requireEqual(ran.value("ran"), 0, "runs of a duplicate")
                try await engine.drain()
                try requireEqual(handler.numbers, [10])
            }
            try await run.requireRow("first", for: "a", storage)
        },
        ConformanceCase(.inbox, "work without a result tells whether it was done now") { run in
            let storage = try await run.storage()
            for expected in [true, false, false] {
                let isNew = try await storage.once("k") { tx in
                    try tx.insertRow("once", for: "a")
                }
                try requireEqual(isNew, expected)
            }
        },
        ConformanceCase(.inbox, "other bytes, another result type, and bad keys are errors") { run in
            let storage = try await run.storage()
            func expect(_ code: InboxError.Code, _ body: () async throws -> Void) async throws {
                try await requireThrows(
                    "\(code) is thrown", matching: { ($0 as? InboxError)?.code == code }, body)
            }
            _ = try await storage.once("k", request: Data("10".utf8)) { _ in 1 }
            try await expect(.requestConflict) {
                _ = try await storage.once("k", request: Data("20".utf8)) { _ in 2 }
            }
            try await expect(.resultType) { _ = try await storage.once("k") { _ in ["not", "a", "number"] } }
            try await expect(.keyLength) { _ = try await storage.once("") { _ in 1 } }
            try await expect(.keyLength) {
                _ = try await storage.once(String(repeating: "k", count: InboxRecord.maxKeyBytes + 1)) { _ in 1 }
            }
            try await expect(.alreadyCompleted) { try await storage.recordProgress("late", for: "k") }
            _ = try await storage.once(String(repeating: "k", count: InboxRecord.maxKeyBytes)) { _ in 1 }
        },
        ConformanceCase(.inbox, "a body that throws leaves no trace, and its key stays free") { run in
            let storage = try await run.storage()
            try await requireThrows("the body's error comes out", matching: { $0 is Refusal }) {
                _ = try await storage.once("k", request: Data("10".utf8)) { tx -> Int in
                    try tx.putRow("undone", for: "a")
                    throw Refusal()
                }
            }
            try requireEqual(try await storage.inboxRecord(for: "k"), nil)
            try await run.requireRow(nil, for: "a", storage)
            let second = try await storage.once("k", request: Data("20".utf8)) { _ in 2 }
            try requireEqual(second.isDuplicate, false)
        },
        ConformanceCase(.inbox, "steps can be read while the work is under way, and stay with its result") { run in
            let storage = try await run.storage()
            try await storage.recordProgress("asked the bank", detail: "ref 7", for: "k")
            run.clock.advance(by: .seconds(5))
            try await storage.recordProgress("bank answered", for: "k")
            let underWay = try await storage.inboxRecord(for: "k")
            try requireEqual(underWay?.steps.map(\.name), ["asked the bank", "bank answered"])
            try requireEqual(underWay?.steps.first?.detail, "ref 7")
            try requireEqual(underWay?.isCompleted, false)
            let result = try await storage.once("k") { _ in 7 }
            try requireEqual(result.isDuplicate, false, "steps alone are not the work")
            let done = try await storage.inboxRecord(for: "k")
            try requireEqual(done?.isCompleted, true)
            try requireEqual(done?.steps.count, 2)
            try requireEqual(done?.completedAt, run.clock.wallClock.now())
        },
        ConformanceCase(.inbox, "many callers of one key do it once, and all get its result") { run in
            let storage = try await run.storage()
            let results = try await withThrowingTaskGroup(of: InboxResult<Int>.self) { group in
                for caller in 0..<32 {
                    group.addTask {
                        try await storage.once("k") { tx in
                            let count = try tx.row("count") ?? ""
                            try tx.putRow(count + "x", for: "count")
                            return caller
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try requireEqual(results.filter { !$0.isDuplicate }.count, 1, "that did it")
            try requireEqual(Set(results.map(\.value)).count, 1, "results")
            try await run.requireRow("x", for: "count", storage)
        },
        ConformanceCase(.inbox, "a key is forgotten after its window, and its record removed") { run in
            let storage = try await run.storage()
            for key in ["a", "b", "c"] { _ = try await storage.once(key) { _ in 1 } }
            run.clock.advance(by: storage.inboxWindow - .seconds(1))
            try requireEqual(try await storage.once("a") { _ in 2 }.isDuplicate, true)
            run.clock.advance(by: .seconds(1))
            try requireEqual(try await storage.inboxRecord(for: "a"), nil)
            let again = try await storage.once("a") { _ in 2 }
            try requireEqual(again.isDuplicate, false)
            try requireEqual(again.value, 2)
            run.clock.advance(by: .seconds(1))
            _ = try await storage.once("d") { _ in 1 }
            try requireEqual(try await storage.inboxKeys(), ["a", "d"], "records that are kept")
        },
        ConformanceCase(.inbox, "inside a transactional handler, effects happen once over redrives") { run in
            let storage = try await run.storage()
            let subscription = Self.onceInside(storage)
            try await run.running(storage, [subscription]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(3), engine)
                try await engine.drain()
            }
            try await run.requireRow("x", for: "effects", storage)
        },
        ConformanceCase(.inbox, "results and steps outlive the process", requires: .durable) { run in
            let storage = try await run.storage()
            _ = try await storage.once("done") { _ in "result" }
            try await storage.recordProgress("begun", for: "open")
            let reopened = try await run.reopen(storage)
            let again = try await reopened.once("done") { _ in "other" }
            try requireEqual(again.value, "result")
            try requireEqual(again.isDuplicate, true)
            try requireEqual(try await reopened.inboxRecord(for: "open")?.steps.map(\.name), ["begun"])
        },
    ]

    /// A ledger that fails after its work was done, once, outside of its own doing.
    private static func onceInside<S: ConformanceStorage>(_ storage: S) -> Subscription {
        storage.subscription("ledger", to: ConformanceEvent.self) { _, tx, context in
            for _ in 0..<3 {
                try storage.once(context.idempotencyKey, in: tx) {
                    let effects = try tx.row("effects") ?? ""
                    try tx.putRow(effects + "x", for: "effects")
                    return effects.count
                }
            }
            if context.attempt == 1 { throw Refusal() }
        }
    }
}

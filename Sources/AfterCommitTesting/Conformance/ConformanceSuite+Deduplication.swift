import AfterCommit
import Foundation

extension ConformanceSuite {
    static let deduplicationCases: [ConformanceCase] = [
        ConformanceCase(
            .idempotencyKey, "emitted twice with one deduplication key it is one event", requires: .deduplication
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let ids = try await storage.transaction { tx in
                    [
                        try tx.emit(ConformanceEvent(number: 1), deduplicationKey: "one"),
                        try tx.emit(ConformanceEvent(number: 1), deduplicationKey: "one"),
                    ]
                }
                let later = try await storage.transaction {
                    try $0.emit(ConformanceEvent(number: 1), deduplicationKey: "one")
                }
                let outside = try await engine.emit(ConformanceEvent(number: 1), deduplicationKey: "one")
                try requireEqual(Set(ids + [later, outside]), [ids[0]])
                let other = try await engine.emit(ConformanceEvent(number: 2), deduplicationKey: "two")
                try require(other != ids[0], "another key is another event")
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), [1, 2])
            }
        },
        ConformanceCase(
            .idempotencyKey, "one deduplication key that many use at once is one event", requires: .deduplication
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let ids = try await withThrowingTaskGroup(of: EventID.self) { group in
                    for emitter in 0..<40 {
                        group.addTask {
                            if emitter % 2 == 0 {
                                return try await engine.emit(ConformanceEvent(number: 1), deduplicationKey: "one")
                            }
                            return try await storage.transaction { tx in
                                let id = try tx.emit(ConformanceEvent(number: 1), deduplicationKey: "one")
                                try tx.putRow("\(id)", for: "row-\(emitter)")
                                return id
                            }
                        }
                    }
                    return try await group.reduce(into: Set<EventID>()) { $0.insert($1) }
                }
                try requireEqual(ids.count, 1, "ids")
                try await engine.drain()
                try requireEqual(handler.calls.map(\.context.eventID), Array(ids))
                let rows = try await storage.rows().values
                try requireEqual(Set(rows), Set(ids.map { "\($0)" }), "ids that transactions wrote down")
            }
        },
        ConformanceCase(.idempotencyKey, "a deduplication key that was rolled back is free", requires: .deduplication) {
            run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                try await requireThrows("the body's error comes out", matching: { $0 is Refusal }) {
                    try await storage.transaction { tx in
                        try tx.emit(ConformanceEvent(number: 1), deduplicationKey: "one")
                        throw Refusal()
                    }
                }
                try await storage.transaction { tx in
                    try? tx.savepoint {
                        try tx.emit(ConformanceEvent(number: 2), deduplicationKey: "one")
                        throw Refusal()
                    }
                    try tx.emit(ConformanceEvent(number: 3), deduplicationKey: "one")
                }
                try await engine.drain()
                try requireEqual(handler.numbers, [3])
            }
        },
        ConformanceCase(
            .idempotencyKey, "a deduplication key with another payload is an error, and nothing is kept",
            requires: .deduplication
        ) {
            run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let first = try await engine.emit(ConformanceEvent(number: 1), deduplicationKey: "one")
                let isConflict = { @Sendable (error: any Error) in
                    error as? EmitError == .deduplicationConflict(key: "one", firstID: first)
                }
                try await requireThrows("outside a transaction it throws", matching: isConflict) {
                    try await engine.emit(ConformanceEvent(number: 2), deduplicationKey: "one")
                }
                try await requireThrows("inside one it throws", matching: isConflict) {
                    try await storage.transaction { tx in
                        try tx.putRow("undone", for: "a")
                        try tx.emit(ConformanceEvent(number: 2), deduplicationKey: "one")
                    }
                }
                try await requireThrows("two of one transaction throw", matching: { $0 is EmitError }) {
                    try await storage.transaction { tx in
                        try tx.emit(ConformanceEvent(number: 3), deduplicationKey: "three")
                        try tx.emit(ConformanceEvent(number: 4), deduplicationKey: "three")
                    }
                }
                try await engine.drain()
                try requireEqual(handler.numbers, [1])
            }
            try await run.requireRow(nil, for: "a", storage)
        },
        ConformanceCase(
            .idempotencyKey, "a deduplication key holds for 7 days by the wall clock", requires: .deduplication
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let first = try await engine.emit(ConformanceEvent(number: 1), deduplicationKey: "one")
                run.clock.advance(by: .seconds(7 * 86_400 - 1))
                try requireEqual(try await engine.emit(ConformanceEvent(number: 1), deduplicationKey: "one"), first)
                run.clock.advance(by: .seconds(1))
                let second = try await engine.emit(ConformanceEvent(number: 2), deduplicationKey: "one")
                try require(second != first, "the key is free after its window")
                run.clock.advance(by: .seconds(86_400))
                try requireEqual(try await engine.emit(ConformanceEvent(number: 2), deduplicationKey: "one"), second)
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), [1, 2])
            }
        },
        ConformanceCase(.idempotencyKey, "an event's own id, given twice, is one event", requires: .deduplication) {
            run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let id = EventID(UUID())
            try await run.running(storage, [handler.subscription()]) { engine in
                for _ in 0..<3 {
                    let emitted = try await engine.emit(ConformanceEvent(number: 1), options: EmitOptions(id: id))
                    try requireEqual(emitted, id)
                }
                try await requireThrows("another payload under the id is an error", matching: { $0 is EmitError }) {
                    try await engine.emit(ConformanceEvent(number: 2), options: EmitOptions(id: id))
                }
                let named = try await engine.emit(ConformanceEvent(number: 3), deduplicationKey: "\(id)")
                try require(named != id, "a key that looks like an id is none")
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), [1, 3])
            }
        },
        ConformanceCase(
            .idempotencyKey, "keys outside 1 to 200 bytes, or for several events, are refused", requires: .deduplication
        ) { run in
            let storage = try await run.storage()
            for key in ["", String(repeating: "k", count: 201)] {
                try await requireThrows("a key of \(key.utf8.count) bytes is refused", matching: { $0 is EmitError }) {
                    try await storage.emit(ConformanceEvent(number: 1), options: EmitOptions(deduplicationKey: key))
                }
            }
            try await requireThrows(
                "one key for two is refused", matching: { $0 as? EmitError == .oneKeyForSeveralEvents }
            ) {
                try await storage.emit(
                    contentsOf: [1, 2].map { ConformanceEvent(number: $0) }, options: EmitOptions(deduplicationKey: "k")
                )
            }
            try await storage.emit(
                ConformanceEvent(number: 1), options: EmitOptions(deduplicationKey: String(repeating: "k", count: 200)))
        },
        ConformanceCase(
            .idempotencyKey, "deduplication keys outlive the process", requires: [.durable, .deduplication]
        ) { run in
            let storage = try await run.storage()
            let first = try await storage.emit(
                ConformanceEvent(number: 1), options: EmitOptions(deduplicationKey: "one"))
            let reopened = try await run.reopen(storage)
            let second = try await reopened.emit(
                ConformanceEvent(number: 1), options: EmitOptions(deduplicationKey: "one"))
            try requireEqual(second, first)
        },
    ]
}

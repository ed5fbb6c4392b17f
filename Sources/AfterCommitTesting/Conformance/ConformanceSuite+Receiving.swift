import AfterCommit
import Foundation

/// Events that come from elsewhere.
extension ConformanceSuite {
    static let receivingCases: [ConformanceCase] = [
        ConformanceCase(
            .inbox, "events from elsewhere are stored once for their ids",
            requires: [.deduplication, .storesForeignBytes]
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let events = (0..<20).map { run.arrival($0, in: storage) }
                let first = try await storage.receive(Array(events[..<12]) + [events[3]])
                try requireEqual(first.duplicates, [12])
                let second = try await storage.receive(events)
                try requireEqual(second.duplicates, Array(0..<12))
                try require(first.refused.isEmpty && second.refused.isEmpty, "events were refused")
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), Array(0..<20))
                try requireEqual(Set(handler.calls.map(\.context.eventID)), Set(events.map(\.envelope.id)))
                let third = try await storage.receive(events)
                try requireEqual(third.duplicates.count, 20, "after their delivery")
            }
        },
        ConformanceCase(
            .inbox, "an id that comes with other bytes is told of, and holds up no other",
            requires: [.deduplication, .storesForeignBytes]
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let known = run.arrival(1, in: storage)
                _ = try await storage.receive([known])
                let other = run.arrival(2, id: known.envelope.id, in: storage)
                let fresh = run.arrival(3, in: storage)
                let within = run.arrival(4, id: fresh.envelope.id, in: storage)
                let report = try await storage.receive([other, fresh, within])
                try requireEqual(report.refused.keys.sorted(), [0, 2])
                try requireEqual(report.refused[0]?.code, .deduplicationConflict)
                try requireEqual(report.duplicates, [])
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), [1, 3])
            }
        },
        ConformanceCase(
            .inbox, "one event that comes from many sides at once is one",
            requires: [.deduplication, .storesForeignBytes]
        ) { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let events = (0..<10).map { run.arrival($0, in: storage) }
                let duplicates = try await withThrowingTaskGroup(of: Int.self) { group in
                    for side in 0..<8 {
                        group.addTask {
                            let shifted = Array(events[side...] + events[..<side])
                            return try await storage.receive(shifted).duplicates.count
                        }
                    }
                    return try await group.reduce(0, +)
                }
                try requireEqual(duplicates, 70)
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), Array(0..<10))
            }
        },
        ConformanceCase(
            .crash, "received events are there after a crash, and still known",
            requires: [.durable, .deduplication, .storesForeignBytes]
        ) { run in
            let storage = try await run.storage()
            let events = (0..<10).map { run.arrival($0, in: storage) }
            // Registered, so that they are somebody's.
            _ = try await run.engine(storage, [RecordingHandler<ConformanceEvent>().subscription()])
            _ = try await storage.receive(events)
            let reopened = try await run.reopen(storage)
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(reopened, [handler.subscription()]) { engine in
                let again = try await reopened.receive(events)
                try requireEqual(again.duplicates.count, 10, "duplicates")
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), Array(0..<10))
            }
        },
        ConformanceCase(.inbox, "a status column refuses events from elsewhere", requires: .statusColumn) { run in
            let storage = try await run.storage()
            try await run.requireNeedsOutbox("an event from elsewhere") {
                _ = try await storage.receive([run.arrival(1, in: storage)])
            }
        },
    ]
}

extension ConformanceRun {
    /// An event as a consumer stores it.
    func arrival(_ number: Int, id: EventID? = nil, in storage: any EventStorage) -> Emission {
        var envelope = envelope("{\"number\":\(number),\"padding\":\"\"}", in: storage)
        envelope.id = id ?? envelope.id
        let bytes = (try? envelope.bytes(using: storage.envelopes.coder)) ?? Data()
        return Emission(
            envelope: envelope,
            deduplication: Emission.Deduplication(
                key: "id/\(envelope.id)",
                fingerprint: Emission.Deduplication.fingerprint(type: envelope.type, payload: bytes)))
    }
}

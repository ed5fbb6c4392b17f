import AfterCommit
import Foundation

/// Tomorrow's shape of ``ConformanceEvent``.
private struct NumberedV2: Event {
    static let type = ConformanceEvent.type
    static let schemaVersion = 2
    static let upcasters: [Upcaster<NumberedV2>] = [
        .from(version: 1, ConformanceEvent.self) { NumberedV2(text: "number \($0.number)", key: $0.key) }
    ]
    var text: String
    var key: String?
    var orderingKey: String? { key }
}

extension ConformanceSuite {
    static let poisonCases: [ConformanceCase] = [
        ConformanceCase(.poison, "bytes that are not the event's are dead at once and kept, others go on") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            // Not every row can hold a zero byte; stored bytes can.
            let broken = "{\"number\":1,\(run.can(.storesForeignBytes) ? "\u{0}" : "")\"nonsense\""
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 0), engine)
                let id = try await run.emitMalformed(broken, number: 1, in: storage)
                try await run.emit(ConformanceEvent(number: 2), engine)
                try await engine.drain()
                try requireEqual(handler.numbers.sorted(), [0, 2])
                let letters = try await engine.deadLetters()
                try requireEqual(letters.map(\.reason), [.malformed])
                try requireEqual(letters.map(\.envelope.id), [id])
                try requireEqual(letters.map(\.history.attempts), [1])
                if run.can(.statusColumn) {
                    let row = try await storage.allRows()[ConformanceEvent(number: 1).rowKey]
                    try requireEqual(row, broken, "in the row of the event")
                } else {
                    let bytes = try letters.first?.envelope.bytes(using: storage.coder)
                    try requireEqual(bytes, Data(broken.utf8))
                }
            }
        },
        ConformanceCase(
            .poison, "an event of a newer schema version is parked and listed, and its key waits",
            requires: .storesForeignBytes
        ) { run in
            let storage = try await run.storage()
            let today = RecordingHandler<ConformanceEvent>()
            let one = "{\"number\":1,\"key\":\"a\",\"padding\":\"\"}"
            try await run.running(storage, [today.subscription()]) { engine in
                try await run.store(
                    [
                        run.envelope("{\"text\":\"new\",\"key\":\"a\"}", version: 2, key: "a", in: storage),
                        run.envelope(one, key: "a", in: storage),
                        run.envelope("{\"number\":2,\"padding\":\"\"}", in: storage),
                    ], in: storage)
                try await engine.drain()
                try requireEqual(today.numbers, [2], "what this binary knows and may deliver")
                let counts = try await engine.counts()
                try requireEqual(counts.parked, 1)
                try requireEqual(counts.blocked, 1)
                try requireEqual(counts.deadLettered, 0)
                let parked = try await engine.deliveries(DeliveryQuery(state: .parked))
                try requireEqual(parked.map(\.envelope.schemaVersion), [2])
                try requireEqual(parked.map(\.history.attempts), [0], "nothing is charged")
                try await run.pass(.seconds(3600), step: .seconds(600), engine)
                try requireEqual(today.calls.count, 1, "attempts: it is parked, not retried")
            }
            let tomorrow = RecordingHandler<NumberedV2>()
            let subscription = Subscription("recorder", to: NumberedV2.self) { try await tomorrow($0, $1) }
            try await run.running(storage, [subscription]) { engine in
                try await engine.drain()
                try requireEqual(tomorrow.calls.map(\.event.text), ["new", "number 1"])
                try requireEqual(tomorrow.calls.map(\.context.attempt), [1, 1])
                try requireEqual(try await engine.counts(), DeliveryCounts())
            }
        },
        ConformanceCase(.poison, "what is parked outlives the process", requires: [.durable, .storesForeignBytes]) {
            run in
            let storage = try await run.storage()
            let today = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [today.subscription()]) { engine in
                try await run.store([run.envelope("{\"text\":\"new\"}", version: 2, in: storage)], in: storage)
                try await engine.drain()
            }
            let reopened = try await run.reopen(storage)
            try requireEqual(try await reopened.counts(subscription: "recorder").parked, 1)
            let tomorrow = RecordingHandler<NumberedV2>()
            let subscription = Subscription("recorder", to: NumberedV2.self) { try await tomorrow($0, $1) }
            try await run.running(reopened, [subscription]) { engine in
                try await engine.drain()
                try requireEqual(tomorrow.calls.map(\.event.text), ["new"])
            }
        },
        ConformanceCase(
            .poison, "a pattern's handler gets every type it names, and parks what it does not know",
            requires: [.manyEventTypes, .manySubscriptions, .storesForeignBytes]
        ) {
            run in
            let storage = try await run.storage()
            let seen = Kept<String>()
            let all = Counters()
            let knows = Counters()
            func audit() -> Subscription {
                Subscription("audit", matching: "conformance.*") { envelope, context in
                    switch envelope.type {
                    case ConformanceEvent.type: seen.append("\(try context.event(as: ConformanceEvent.self).number)")
                    case Named.type: seen.append(try context.event(as: Named.self).name)
                    case "conformance.later" where knows.value("later") == 1: seen.append("later")
                    default: throw HandlerOutcome.unknownType("\(envelope.type)")
                    }
                }
            }
            let every = Subscription("all", matching: "*") { _, _ in all.increment("all") }
            let one = Subscription("one", matching: "conformance", "conformance.na") { _, _ in throw Refusal() }
            try await run.running(storage, [audit(), every, one]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await engine.emit(Named(name: "a"))
                try await run.store(
                    [
                        run.envelope("{}", type: "conformance.later", in: storage),
                        run.envelope("{}", type: "conformanceless", in: storage),
                        run.envelope("{\"number\":\"none\"}", in: storage),
                        run.envelope("{}", version: 2, in: storage),
                    ], in: storage)
                try await engine.drain()
                try requireEqual(seen.values.sorted(), ["1", "a"])
                try requireEqual(all.value("all"), 6)
                try requireEqual(try await engine.counts("audit").parked, 2)
                try requireEqual(try await engine.deadLetters().map(\.reason), [.malformed])
                try requireEqual(try await engine.totals("one").attempts, 0)
            }
            knows.increment("later")
            try await run.running(storage, [audit(), every, one]) { engine in
                try await engine.drain()
                try requireEqual(seen.values.sorted(), ["1", "a", "later"])
                try requireEqual(try await engine.counts("audit").parked, 1, "the schema version is still unknown")
            }
        },
        ConformanceCase(.poison, "a parked delivery is called off and redriven like any other") { run in
            let storage = try await run.storage()
            let knows = Counters()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in
                if knows.value("knows") == 0 { throw HandlerOutcome.unknownType("not yet") }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(contentsOf: [1, 2].map { ConformanceEvent(number: $0, key: "a") }, engine)
                try await engine.drain()
                let ids = try await engine.ids(state: .parked)
                try requireEqual(try await engine.cancel(ids), ids)
                try await engine.drain()
                try requireEqual(handler.numbers, [1, 2], "its key goes on")
                knows.increment("knows")
                try await engine.cancel(try await engine.ids(state: .parked))
                try await engine.redrive(matching: DeadLetterQuery(reason: .cancelled))
                try await engine.drain()
                try requireEqual(handler.succeeded.map(\.event.number).sorted(), [1, 2])
            }
        },
    ]
}

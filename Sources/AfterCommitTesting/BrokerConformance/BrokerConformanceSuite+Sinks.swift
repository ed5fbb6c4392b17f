import AfterCommit
import Foundation

/// What a sink promises.
extension BrokerConformanceSuite {
    static let sinkCases: [BrokerConformanceCase] = [
        BrokerConformanceCase("a sink tells an outcome for each event, and the broker has what was sent") { run in
            let sink = try await run.sink()
            let source = try await run.source()
            let events = (0..<100).map { run.event($0) }
            try await run.send(events, sink)
            let messages = try await run.receive(100, source)
            try requireEqual(try ids(of: messages), Set(events.map(\.id)))
            try await run.accept(messages, source)
        },

        BrokerConformanceCase("attributes, key and bytes arrive as they were sent") { run in
            let sink = try await run.sink()
            let source = try await run.source()
            let event = run.event(7, key: "order 42/ä")
            try await run.send([event], sink)
            let messages = try await run.receive(1, source)
            let expected = CloudEvent(event)
            let actual = try messages[0].cloudEvent()
            try requireEqual(sorted(actual), sorted(expected), "attributes")
            try requireEqual(actual.contentType, "application/json")
            try requireEqual(actual.data, expected.data)
            let envelope = try Envelope(actual, receivedAt: Date(timeIntervalSince1970: 0))
            try requireEqual(envelope.id, event.context.eventID)
            try requireEqual(envelope.schemaVersion, 3)
            try requireEqual(envelope.orderingKey, "order 42/ä")
            try requireEqual(envelope.headers["correlationid"], "c-7")
            try await run.accept(messages, source)
        },

        BrokerConformanceCase("payloads that are no text, empty or large arrive byte for byte") { run in
            let sink = try await run.sink()
            let source = try await run.source()
            let payloads = [
                Data(), Data((0...255).map { UInt8($0) }), Data(repeating: 0, count: 3),
                Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }),
            ]
            let events = payloads.enumerated().map {
                run.event($0.offset, payload: $0.element, contentType: "application/octet-stream")
            }
            try await run.send(events, sink)
            let messages = try await run.receive(payloads.count, source)
            let received = Dictionary(
                try messages.map { (try $0.cloudEvent().id, $0.body) }, uniquingKeysWith: { $1 })
            for (event, payload) in zip(events, payloads) {
                try require(received[event.id] == payload, "\(payload.count) bytes came back as others")
            }
            try await run.accept(messages, source)
        },

        BrokerConformanceCase("several batches go out at once") { run in
            let sink = try await run.sink()
            let source = try await run.source()
            let batches = (0..<20).map { batch in (0..<25).map { run.event(batch * 25 + $0) } }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for batch in batches { group.addTask { try await run.send(batch, sink) } }
                try await group.waitForAll()
            }
            let messages = try await run.receive(500, source)
            try requireEqual(try ids(of: messages), Set(batches.joined().map(\.id)))
            try await run.accept(messages, source)
        },

        BrokerConformanceCase("a send that is cancelled returns, with an outcome for each event") { run in
            let sink = try await run.sink()
            try await run.send([run.event(0)], sink)
            let events = (1...50).map { run.event($0) }
            let sending = Task { await sink.send(events) }
            sending.cancel()
            let outcomes = try await run.within("the cancelled send did not return") { await sending.value }
            try requireEqual(outcomes.count, 50, "outcomes")
        },

        BrokerConformanceCase("what was confirmed survives a broken connection, and sending goes on") { run in
            let sink = try await run.sink()
            let before = (0..<50).map { run.event($0) }
            try await run.send(before, sink)
            try await run.broker.interrupt()
            let after = (50..<100).map { run.event($0) }
            try await run.send(after, sink)
            let source = try await run.source()
            let wanted = Set((before + after).map(\.id))
            var found: Set<String> = []
            // What was sent again because its confirmation was lost is there twice.
            while found != wanted {
                let messages = try await run.receive(1, source, limit: 1)
                found.formUnion(try ids(of: messages))
                try await run.accept(messages, source)
            }
        },
    ]

    static func ids(of messages: [IncomingMessage]) throws -> Set<String> {
        Set(try messages.map { try $0.cloudEvent().id })
    }

    private static func sorted(_ event: CloudEvent) -> [String] {
        event.attributes.map { "\($0.name)=\($0.value)" }.sorted()
    }
}

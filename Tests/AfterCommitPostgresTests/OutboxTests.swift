#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Testing

@Suite struct OutboxTests {
    private func subscription(_ handler: RecordingHandler<OrderPlaced>) -> Subscription {
        Subscription("test", to: OrderPlaced.self) { try await handler($0, $1) }
    }

    @Test func whatIsCommittedIsDeliveredAndWhatIsRolledBackIsNot() async throws {
        let storage = try await TestDatabase().storage()
        let handler = RecordingHandler<OrderPlaced>()
        try await running(storage, [subscription(handler)]) { engine in
            try await storage.transaction { tx in
                try tx.execute("CREATE TABLE orders (id bigint PRIMARY KEY)")
                try tx.execute("INSERT INTO orders VALUES ($1)", .int64(1))
                try tx.emit(OrderPlaced(number: 1))
            }
            await #expect(throws: PostgresError.self) {
                try await storage.transaction { tx in
                    try tx.emit(OrderPlaced(number: 2))
                    try tx.execute("INSERT INTO orders VALUES ($1)", .int64(1))
                }
            }
            try await storage.emit(OrderPlaced(number: 3))
            try await engine.drain()
            #expect(handler.calls.map(\.event.number).sorted() == [1, 3])
        }
        await storage.close()
    }

    /// What a person types into psql, as the documentation has it.
    @Test func aPlainInsertIsAnEventIfItsTransactionCommits() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let handler = RecordingHandler<OrderPlaced>()
        try await running(storage, [subscription(handler)]) { engine in
            func insert(_ number: Int, _ end: String) async throws {
                try await database.run { session in
                    try session.executeScript(
                        """
                        BEGIN;
                        INSERT INTO outbox_events (aggregatetype, aggregateid, type, payload)
                        VALUES ('order', '\(number)', 'order.placed', '{"number": \(number)}');
                        \(end);
                        """)
                }
            }
            // The relay sleeps; it is notified.
            try await engine.waitUntilIdle()
            try await insert(1, "ROLLBACK")
            try await insert(2, "COMMIT")
            await handler.waitForCalls(1)
            try await engine.drain()
            #expect(handler.calls.map(\.event.number) == [2])
        }
        await storage.close()
    }

    @Test func aRowOfOutboxRowIsTheEvent() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let handler = RecordingHandler<OrderPlaced>()
        let row = try OrderPlaced(number: 7, orderingKey: "seven").outboxRow(
            options: EmitOptions(headers: ["tenant": "t"]))
        try await running(storage, [subscription(handler)]) { engine in
            try await database.run { session in
                _ = try session.execute(
                    """
                    INSERT INTO outbox_events (id, aggregatetype, aggregateid, type, payload, payloadbytes, source, time,
                        schemaversion, orderingkey, headers, contenttype)
                    VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10, $11::jsonb, $12)
                    """,
                    [
                        .uuid(row.id), .text(row.aggregateType), .text(row.aggregateID), .text(row.type),
                        .text(row.payload), .bytes(row.payloadBytes), .text(row.source), .timestamp(row.time),
                        .int32(Int32(row.schemaVersion)), .text(row.orderingKey), .text(row.headers),
                        .text(row.contentType),
                    ])
            }
            await handler.waitForCalls(1)
            try await engine.drain()
            let call = try #require(handler.calls.first)
            #expect(call.event == OrderPlaced(number: 7, orderingKey: "seven"))
            #expect(call.context.eventID.uuid == row.id)
            #expect(call.context.headers["tenant"] == "t")
        }
        await storage.close()
    }

    @Test func anInsertThatIsNoEventStopsNobody() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let handler = RecordingHandler<OrderPlaced>()
        try await running(storage, [subscription(handler)]) { engine in
            try await database.run { session in
                for (payload, headers) in [
                    ("{}", "{}"), ("[1]", "{}"), ("{\"number\":1}", "[1]"), ("null", "{\"a\":1}"),
                ] {
                    try session.execute(
                        """
                        INSERT INTO outbox_events (aggregatetype, aggregateid, type, payload, headers)
                        VALUES ('order', '1', 'order.placed', $1::jsonb, $2::jsonb)
                        """, [.text(payload), .text(headers)])
                }
            }
            try await storage.emit(OrderPlaced(number: 5))
            let isDone = try await eventually {
                try await engine.deadLetters().count == 4 && handler.calls.count == 1
            }
            #expect(isDone)
            #expect(try await Set(engine.deadLetters().map(\.reason)) == [.malformed])
            #expect(handler.calls.map(\.event.number) == [5])
        }
        await storage.close()
    }

    @Test func anErrorWithANULIsSettled() async throws {
        struct Odd: Error, CustomStringConvertible {
            let description = "before\u{0}after"
        }
        let storage = try await TestDatabase().storage()
        let policy = DeliveryPolicy(maxRetries: 0)
        let subscription = Subscription("test", to: OrderPlaced.self, policy: policy) { _, _ in throw Odd() }
        try await running(storage, [subscription]) { engine in
            try await storage.emit(OrderPlaced(number: 1))
            try await engine.drain()
            let letters = try await engine.deadLetters()
            #expect(letters.first?.history.failures.last?.message == "before\u{FFFD}after")
        }
        await storage.close()
    }

    @Test func eventsOfLongAgoArePrunedAndDeadLettersKeepTheirs() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage(
            configuration: .init(retention: .zero, pruneInterval: .milliseconds(20)))
        let policy = DeliveryPolicy(maxRetries: 0)
        let subscription = Subscription("test", to: OrderPlaced.self, policy: policy) { event, _ in
            if event.number == 5 { throw HandlerOutcome.permanent(CancellationError()) }
        }
        try await running(storage, [subscription]) { engine in
            try await storage.emit(contentsOf: (0..<3_000).map { OrderPlaced(number: $0) })
            let isPruned = try await eventually {
                try await database.run { try $0.execute("SELECT count(*) FROM outbox_events").first().int64(0) } == 1
            }
            #expect(isPruned)
            let letters = try await engine.deadLetters()
            #expect(letters.count == 1)
            #expect(try letters.first?.envelope.bytes(using: storage.coder).count ?? 0 > 0)
        }
        await storage.close()
    }

    /// Some tools delete what they have read from an outbox.
    @Test(arguments: [nil, "key"])
    func anEventThatSomebodyDeletedHoldsUpNothing(key: String?) async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let handler = RecordingHandler<OrderPlaced>()
        let failing = Subscription("failing", to: OrderPlaced.self, policy: DeliveryPolicy(maxRetries: 0)) { _, _ in
            throw HandlerOutcome.permanent(CancellationError())
        }
        try await running(storage, [failing]) { engine in
            try await storage.emit(OrderPlaced(number: 0, orderingKey: key))
            try await engine.drain()
        }
        let registrations = ["failing", "test"].map { SubscriptionRegistration(name: $0, types: ["order.placed"]) }
        _ = try await storage.attach(registrations) { _ in }
        storage.detach()
        try await storage.emit(contentsOf: (1..<3).map { OrderPlaced(number: $0, orderingKey: key) })
        try await database.run { session in
            _ = try session.execute("DELETE FROM outbox_events WHERE payload->>'number' IN ('0', '1')")
        }
        try await running(storage, [subscription(handler)]) { engine in
            try await engine.drain()
            #expect(handler.calls.map(\.event.number) == [2])
            #expect(try await storage.counts(subscription: "test") == DeliveryCounts())
        }
        // A dead letter can still be seen, and its key goes on.
        let letters = try await storage.deadLetters(DeadLetterQuery(subscription: "failing"))
        #expect(letters.map(\.envelope.orderingKey) == [key])
        let redriven = try await storage.redrive(letters.map(\.id))
        #expect(redriven.count == 1)
        let later = RecordingHandler<OrderPlaced>()
        try await running(storage, [Subscription("failing", to: OrderPlaced.self) { try await later($0, $1) }]) {
            try await $0.drain()
            #expect(later.calls.map(\.event.number) == [2])
        }
        await storage.close()
    }

    @Test func aDelayedEventWhoseIDIsStoredHoldsUpNoOther() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let id = EventIDGenerator().next()
        let due = Date() + 3600
        for number in 0..<3 {
            try await storage.emit(
                contentsOf: [OrderPlaced(number: number)],
                options: EmitOptions(deliverAt: due + Double(number), id: number == 1 ? id : nil))
        }
        try await database.run { session in
            _ = try session.execute(
                "INSERT INTO outbox_events (id, aggregatetype, aggregateid, type) VALUES ($1, 'order', '1', 'order.paid')",
                [.uuid(id.uuid)])
        }
        #expect(try await storage.publishDelayed(dueBy: due + 5) == nil)
        let numbers = try await database.run { session in
            try session.execute("SELECT (payload->>'number')::bigint FROM outbox_events ORDER BY sequence")
                .map { try $0.optionalInt64(0) }
        }
        #expect(numbers == [nil, 0, 2])
        await storage.close()
    }

    @Test func aPlaceThatNobodyDeliversToIsCutAndNoOther() async throws {
        let database = try await TestDatabase()
        func registration(_ name: String) -> SubscriptionRegistration {
            SubscriptionRegistration(name: name, types: EventTypeSelection(types: [OrderPlaced.type]))
        }
        let first = try await database.storage()
        try await first.attachWhole(["gone", "resting"].map(registration))
        try await first.emit(OrderPlaced(number: 0, orderingKey: "key"))
        try await first.emit(contentsOf: (1...30).map { OrderPlaced(number: $0) })
        try await first.emit(OrderPlaced(number: 31, orderingKey: "key"))
        let request = ClaimRequest(subscription: "gone", limit: 100, now: Date())
        let claimed = try await first.claim(request).deliveries
        let letter = DeadLetter(
            id: DeliveryID(subscription: "gone", sequence: claimed[5].sequence), envelope: claimed[5].envelope,
            reason: .exhausted, history: DeliveryHistory(attempts: 4), deadSince: Date(), blocksKey: false)
        let later = Settlement(
            delivery: claimed[0],
            outcome: .retrying(due: Date(timeIntervalSince1970: 4e9), history: DeliveryHistory(attempts: 1)))
        _ = try await first.settle(
            SettlementBatch(
                subscription: "gone",
                exceptions: [
                    later, Settlement(delivery: claimed[5], outcome: .deadLettered(letter)),
                    Settlement(delivery: claimed[31], outcome: .blocked),
                ]))
        await first.close()
        try await database.run { session in
            // For a day, and for an hour.
            _ = try session.execute(
                """
                UPDATE outbox_subscriptions
                SET seen = clock_timestamp() - CASE WHEN name = 'gone' THEN interval '25 hours' ELSE interval '1 hour' END
                """
            ).count
        }
        let second = try await database.storage(
            configuration: .init(pruneInterval: .milliseconds(20), maxOrphanedEvents: 10))
        try await second.attachWhole([registration("live")])
        try await second.emit(contentsOf: (32..<52).map { OrderPlaced(number: $0) })
        let isCut = try await eventually {
            try await second.counts(subscription: "gone")
                == DeliveryCounts(
                    pending: 10, deadLettered: 1,
                    oldestPending: try await second.counts(subscription: "gone").oldestPending)
        }
        #expect(isCut)
        #expect(try await second.counts(subscription: "resting").pending == 52)
        #expect(try await second.counts(subscription: "live").pending == 20)
        await second.close()
    }

    /// The delivery that waited behind one that was cut.
    @Test func whatWaitedBehindWhatIsCutGoesOn() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        try await storage.attachWhole([RelayLeaseTests.registration])
        try await storage.emit(contentsOf: (0..<2).map { OrderPlaced(number: $0, orderingKey: "key") })
        let claimed = try await storage.claim(RelayLeaseTests.request).deliveries
        let retrying = Settlement(
            delivery: claimed[0],
            outcome: .retrying(due: Date(timeIntervalSince1970: 4e9), history: DeliveryHistory(attempts: 1)))
        _ = try await storage.settle(
            SettlementBatch(
                subscription: "test", exceptions: [retrying, Settlement(delivery: claimed[1], outcome: .blocked)]))
        #expect(try await storage.counts(subscription: "test").blocked == 1)
        await storage.close()
        try await database.run { session in
            _ = try session.execute("UPDATE outbox_subscriptions SET seen = clock_timestamp() - interval '25 hours'")
                .count
        }
        let second = try await database.storage(
            configuration: .init(pruneInterval: .milliseconds(20), maxOrphanedEvents: 1))
        _ = try await second.attach([SubscriptionRegistration(name: "live", types: ["order.paid"])]) { _ in }
        let goesOn = try await eventually {
            let counts = try await second.counts(subscription: "test")
            return (counts.pending, counts.blocked, counts.retrying) == (1, 0, 0)
        }
        #expect(goesOn)
        await second.close()
    }

    @Test func whoDeliversSaysSoHoweverRarelyItPrunes() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage(
            configuration: .init(leaseDuration: .milliseconds(800), pruneInterval: .seconds(7 * 86_400)))
        try await storage.attachWhole([RelayLeaseTests.registration])
        try await database.run { session in
            _ = try session.execute("UPDATE outbox_subscriptions SET seen = clock_timestamp() - interval '25 hours'")
                .count
        }
        let isSeen = try await eventually {
            try await database.run { session in
                try session.execute("SELECT seen > clock_timestamp() - interval '1 hour' FROM outbox_subscriptions")
                    .first().bool(0)
            }
        }
        #expect(isSeen)
        await storage.close()
    }

    @Test func aConfigurationWithWhichNothingCouldWorkIsRefused() async throws {
        // Nothing is asked of the server before.
        let database = try PostgresConfiguration("postgresql://127.0.0.1:1/none", connectTimeout: .milliseconds(100))
        let wrong: [(String, PostgresStorage.Configuration)] = [
            ("leaseDuration", .init(leaseDuration: .zero)), ("pollInterval", .init(pollInterval: .zero)),
            ("pruneInterval", .init(pruneInterval: .seconds(-1))), ("retention", .init(retention: .seconds(-1))),
            ("inboxWindow", .init(inboxWindow: .seconds(-1))), ("maxConflicts", .init(maxConflicts: -1)),
            ("maxOrphanedEvents", .init(maxOrphanedEvents: -1)),
            ("reconnectTimeout", .init(reconnectTimeout: .seconds(-1))), ("relayName", .init(relayName: "a\0")),
        ]
        for (name, configuration) in wrong {
            let error = await #expect(throws: StorageError.self) {
                _ = try await PostgresStorage(database, configuration: configuration)
            }
            #expect(error?.code == .unsuitablePath)
            #expect(error?.message.hasPrefix(name) == true)
        }
    }

    @Test func theInboxHasOneEffectForAHundredDeliveriesAtOnce() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        try await storage.transaction { try $0.execute("CREATE TABLE effects (n bigint)") }
        let duplicates = await withTaskGroup(of: Bool?.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    try? await storage.once("event-1/shipping") { tx in
                        try tx.execute("INSERT INTO effects VALUES (1)")
                    }.isDuplicate
                }
            }
            return await group.reduce(into: [Bool?]()) { $0.append($1) }
        }
        #expect(duplicates.filter { $0 == false }.count == 1)
        #expect(duplicates.filter { $0 == true }.count == 99)
        #expect(try await database.run { try $0.execute("SELECT count(*) FROM effects").first().int64(0) } == 1)
        await storage.close()
    }
}
#endif

#if SQLite
import AfterCommit
import AfterCommitSQLite
import Foundation
import GRDB
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct EmittingTests {
    @Test func anEventOfTheUsersOwnTransactionIsDeliveredIfItCommits() async throws {
        try await withStorage { storage, pool in
            let wakes = Wakes()
            try await storage.attach(wake: wakes.wake)
            try await pool.write { db in
                try db.execute(sql: "INSERT INTO orders VALUES (1, 9.5)")
                try db.emit(OrderPlaced(number: 1), to: storage)
            }
            #expect(await wakes.next() == .claimable)
            #expect(try await storage.claimNumbers() == [1])
            await #expect(throws: Refusal.self) {
                try await pool.write { db in
                    try db.execute(sql: "INSERT INTO orders VALUES (2, 9.5)")
                    try db.emit(OrderPlaced(number: 2), to: storage)
                    throw Refusal()
                }
            }
            #expect(try await storage.claimNumbers() == [])
            #expect(try await pool.read { try Int.fetchAll($0, sql: "SELECT number FROM orders") } == [1])
        }
    }

    @Test func savepointsOfGRDBTakeTheirEventsWithThem() async throws {
        try await withStorage { storage, pool in
            try await storage.attach()
            try await pool.write { db in
                try db.emit(OrderPlaced(number: 1), to: storage)
                try db.inSavepoint {
                    try db.emit(OrderPlaced(number: 2), to: storage)
                    try db.emit(
                        OrderPlaced(number: 3), to: storage, options: EmitOptions(deduplicationKey: "k"))
                    return .rollback
                }
                try db.emit(OrderPlaced(number: 3), to: storage, options: EmitOptions(deduplicationKey: "k"))
            }
            try await storage.transaction { tx in
                try tx.emit(OrderPlaced(number: 4))
                try tx.database.inSavepoint {
                    try tx.emit(OrderPlaced(number: 5))
                    return .rollback
                }
            }
            #expect(try await storage.claimNumbers() == [1, 3, 4])
        }
    }

    @Test func withoutATransactionAnEmitHasOneOfItsOwn() async throws {
        try await withStorage { storage, pool in
            let wakes = Wakes()
            try await storage.attach(wake: wakes.wake)
            try await pool.writeWithoutTransaction { db in
                _ = try db.emit(OrderPlaced(number: 1), to: storage)
            }
            #expect(await wakes.next() == .claimable)
            #expect(try await storage.claimNumbers() == [1])
        }
    }

    @Test func aPlainInsertIsAnEventAndWakesTheEngine() async throws {
        try await withStorage { storage, pool in
            let wakes = Wakes()
            try await storage.attach(wake: wakes.wake)
            try await pool.write { db in
                try db.execute(
                    sql: "INSERT INTO outbox_events (type, payload) VALUES ('order.placed', '{\"number\":8}')")
            }
            #expect(await wakes.next()?.contains(.claimable) == true)
            let batch = try await storage.claim()
            #expect(try storage.numbers(batch) == [8])
            let envelope = try #require(batch.deliveries.first?.envelope)
            #expect(!batch.deliveries[0].isDamaged)
            #expect(envelope.schemaVersion == 1)
            #expect(envelope.contentType == "application/json")
            #expect(abs(envelope.time.timeIntervalSinceNow) < 60)
        }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/sqlite3")))
    func anotherProcessInsertsAndIsNoticedUnlessItRollsBack() async throws {
        try await withStorage { storage, pool in
            let wakes = Wakes()
            try await storage.attach(wake: wakes.wake)
            func run(_ end: String, _ number: Int) async throws {
                let insert = """
                    PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE;
                    INSERT INTO outbox_events (type, payload, orderingkey)
                    VALUES ('order.placed', '{"number":\(number)}', 'a'); \(end);
                    """
                let child = try ChildProcess(["/usr/bin/sqlite3", pool.path, insert], output: .discarded)
                #expect(await child.end() == 0)
            }
            try await run("ROLLBACK", 1)
            try await run("COMMIT", 2)
            #expect(await wakes.next()?.contains(.claimable) == true)
            #expect(try await storage.claimNumbers() == [2])
        }
    }

    @Test func theFanOutMatchesAsTheEngineDoes() async throws {
        let types = [
            "order", "order.", "order.placed", "order.line.added", "orders.placed", "Order.placed", "", "é.x", "é",
            "order.placed2", "o%", "o_der.placed",
        ]
        let selections: [Set<EventTypePattern>] = [
            ["order.*"], ["*"], ["order.placed"], ["order.placed", "order.*"], ["é.*", "order"], ["o_der.*", "o%"],
        ]
        for patterns in selections {
            try await withStorage { storage, pool in
                try await storage.attach(patterns: patterns)
                try await pool.write { db in
                    for type in types {
                        try db.execute(
                            sql: "INSERT INTO outbox_events (type, payload) VALUES (?, '{}')", arguments: [type])
                    }
                }
                let found = try await storage.claim().deliveries.map(\.envelope.type.rawValue)
                let selection = EventTypeSelection(patterns)
                #expect(found == types.filter { selection.contains(EventType(rawValue: $0)) }, "\(patterns)")
            }
        }
    }

    @Test func bytesStayAsTheyAre() async throws {
        try await withStorage { storage, _ in
            try await storage.attach(patterns: ["*"])
            let payloads: [(Data, String)] = [
                (Data("{\"a\": 1.0, \"b\":\"é\\u0000\"}".utf8), "application/json"),
                (Data("{\"a\":1,\u{0}}".utf8), "application/json"), (Data([0xFF, 0, 1]), "application/json"),
                (Data(), "application/json"), (Data([0, 1, 2]), "application/octet-stream"),
            ]
            let envelopes = payloads.map { payload, contentType in
                Envelope(
                    id: storage.envelopes.ids.next(), type: "bytes", source: "/s",
                    time: storage.envelopes.wallClock.now(), schemaVersion: 3, orderingKey: "k\u{0}1",
                    headers: ["tenant": "a\"b"], contentType: contentType, payload: .bytes(payload))
            }
            let room = try await storage.reserveRoom(for: envelopes.count)
            try await storage.emit(envelopes.map { Emission(envelope: $0) }, into: room)
            let claimed = try await storage.claim().deliveries
            #expect(claimed.map(\.isDamaged) == Array(repeating: false, count: payloads.count))
            for (delivery, sent) in zip(claimed, envelopes) {
                #expect(try delivery.envelope.bytes(using: storage.coder) == sent.bytes(using: storage.coder))
                #expect(delivery.envelope.contentType == sent.contentType)
                #expect(delivery.envelope.id == sent.id)
                #expect(delivery.envelope.orderingKey == sent.orderingKey)
                #expect(delivery.envelope.headers == sent.headers)
                #expect(delivery.envelope.schemaVersion == 3)
            }
        }
    }
}
#endif

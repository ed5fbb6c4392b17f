#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Testing

/// Fault 20: an id of the caller's stands for one event, whoever stored that, and whatever is remembered of its key.
@Suite struct OwnIDTests {
    private struct Note: Event, Hashable {
        static let type: EventType = "note.written"
        var text: String
    }

    private let id = EventIDGenerator().next()

    private func counts(_ database: TestDatabase) async throws -> [Int64] {
        try await database.run { session in
            let row = try session.execute(
                "SELECT (SELECT count(*) FROM outbox_events), (SELECT count(*) FROM outbox_delayed)"
            ).first()
            return [try row.int64(0), try row.int64(1)]
        }
    }

    private func insert(_ event: some Event, _ database: TestDatabase) async throws {
        let row = try event.outboxRow(options: EmitOptions(id: id))
        try await database.run { session in
            _ = try session.execute(
                """
                INSERT INTO outbox_events (id, aggregatetype, aggregateid, type, payload, payloadbytes)
                VALUES ($1, 'order', '1', $2, $3::jsonb, $4)
                """, [.uuid(row.id), .text(row.type), .text(row.payload), .bytes(row.payloadBytes)])
        }
    }

    private func forgetKeys(_ database: TestDatabase) async throws {
        try await database.run { session in
            _ = try session.execute("UPDATE outbox_deduplication SET emitted = emitted - interval '8 days'")
        }
    }

    /// Another payload, and another type, under the id.
    private func expectConflicts(_ storage: PostgresStorage, key: String? = nil) async throws {
        let options = EmitOptions(deduplicationKey: key, id: id)
        let payload = await #expect(throws: EmitError.self) {
            try await storage.emit(contentsOf: [Note(text: "another")], options: options)
        }
        let type = await #expect(throws: EmitError.self) {
            try await storage.emit(contentsOf: [OrderPlaced(number: 1)], options: options)
        }
        #expect([payload?.code, type?.code] == [.deduplicationConflict, .deduplicationConflict])
    }

    @Test(arguments: [false, true])
    func whatAnotherClientInsertedIsTheEvent(isInBytes: Bool) async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let note = Note(text: isInBytes ? "a\u{0}b" : "one")
        try await insert(note, database)
        try await expectConflicts(storage)
        try await expectConflicts(storage, key: "mine")
        for _ in 0..<2 {
            #expect(try await storage.emit(contentsOf: [note], options: EmitOptions(id: id)) == [id])
            let keyed = EmitOptions(deduplicationKey: "a", id: id)
            #expect(try await storage.emit(contentsOf: [note], options: keyed) == [id])
        }
        // The key stands for it from now on.
        #expect(try await storage.emit(contentsOf: [note], options: EmitOptions(deduplicationKey: "a")) == [id])
        #expect(try await counts(database) == [1, 0])
        await storage.close()
    }

    @Test(arguments: [false, true])
    func aKeyThatIsForgottenLeavesOneEvent(isDelayed: Bool) async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let options = EmitOptions(deliverAt: isDelayed ? Date() + 3600 : nil, id: id)
        for _ in 0..<3 {
            #expect(try await storage.emit(contentsOf: [Note(text: "one")], options: options) == [id])
            try await forgetKeys(database)
        }
        try await expectConflicts(storage)
        #expect(try await counts(database) == (isDelayed ? [0, 1] : [1, 0]))
        await storage.close()
    }

    @Test func twoKeysWithOneIDInATransactionAreOneEvent() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let note = Note(text: "one")
        let id = id
        try await storage.transaction { tx in
            let first = try tx.emit(note, options: EmitOptions(deduplicationKey: "a", id: id))
            #expect(try tx.emit(note, options: EmitOptions(deduplicationKey: "b", id: id)) == first)
            #expect(try tx.emit(note, options: EmitOptions(id: id)) == first)
            let error = #expect(throws: EmitError.self) {
                try tx.emit(Note(text: "another"), options: EmitOptions(deduplicationKey: "c", id: id))
            }
            #expect(error?.code == .deduplicationConflict)
        }
        #expect(try await storage.emit(contentsOf: [note], options: EmitOptions(deduplicationKey: "b")) == [id])
        // What was refused has taken no key.
        let third = try await storage.emit(
            contentsOf: [Note(text: "another")], options: EmitOptions(deduplicationKey: "c"))
        #expect(third != [id])
        #expect(try await counts(database) == [2, 0])
        await storage.close()
    }

    @Test(arguments: ["one", "another"])
    func aHandlersSettlementDoesNotFailForIt(text: String) async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        try await insert(Note(text: "one"), database)
        let subscription = Subscription("test", to: OrderPlaced.self) { [id] _, context in
            try context.emit(Note(text: text), options: EmitOptions(deduplicationKey: "a", id: id))
            try context.emit(Note(text: text), options: EmitOptions(deduplicationKey: "b", id: id))
        }
        try await running(storage, [subscription]) { engine in
            try await storage.emit(OrderPlaced(number: 1))
            try await engine.drain()
            #expect(try await storage.counts(subscription: "test") == DeliveryCounts())
        }
        #expect(try await counts(database) == [2, 0])
        await storage.close()
    }
}
#endif

#if SQLite
import AfterCommit
import AfterCommitSQLite
import Foundation
import GRDB
import Testing

@Suite(.timeLimit(.minutes(1))) struct InFlightNotesTests {
    private static let column = SQLiteStorage.Events.statusColumn(
        "orders", keyColumn: "number", key: { (event: OrderPlaced) in event.number },
        rebuild: { row in OrderPlaced(number: row["number"]) })

    private static let kinds: [(events: @Sendable () -> SQLiteStorage.Events, notes: String)] = [
        ({ .outbox }, "-aftercommit.in-flight"), ({ Self.column }, "-aftercommit-orders.in-flight"),
    ]

    private func url(_ notes: String) -> URL { URL(fileURLWithPath: notes) }

    /// Attaches as a process does that finds what the last one left when it was killed.
    private func attachAfterKill(
        _ storage: SQLiteStorage, _ notes: String, _ name: String = "ledger"
    ) async throws -> [SubscriptionPlace.Suspect] {
        let left = try Data(contentsOf: url(notes))
        storage.detach()
        try left.write(to: url(notes))
        return try await storage.attach(name).suspects
    }

    private func place(_ numbers: ClosedRange<Int>, _ storage: SQLiteStorage) async throws {
        try await storage.transaction { tx in
            for number in numbers {
                try tx.database.execute(sql: "INSERT INTO orders (number, total) VALUES (?, 1)", arguments: [number])
                try tx.emit(OrderPlaced(number: number))
            }
        }
    }

    @Test(arguments: kinds.indices)
    func whatWasInFlightIsASuspectUntilItIsSettled(_ kind: Int) async throws {
        let (events, ending) = Self.kinds[kind]
        try await withDatabasePath { path in
            let pool = try await openPool(path)
            let storage = try await SQLiteStorage(pool, events: events())
            #expect(try await storage.attach().suspects.isEmpty)
            try await place(1...4, storage)
            let claimed = try await storage.claim().deliveries.map(\.sequence)
            let journal = try #require(storage.attemptJournal(subscription: "ledger", lanes: 4))
            for (lane, sequence) in claimed.enumerated() { journal.began(sequence, lane: lane) }
            journal.ended(lane: 3)
            try await storage.settle([claimed[1]])
            let suspects = try await attachAfterKill(storage, path + ending)
            #expect(suspects == [.init(sequence: claimed[0], deaths: 0), .init(sequence: claimed[2], deaths: 0)])

            let next = try #require(storage.attemptJournal(subscription: "ledger", lanes: 4))
            next.beganAlone(claimed[2])
            #expect(
                try await attachAfterKill(storage, path + ending)
                    == [.init(sequence: claimed[0], deaths: 0), .init(sequence: claimed[2], deaths: 1)])
            storage.attemptJournal(subscription: "ledger", lanes: 4)?.cleared(claimed[0])
            #expect(
                try await attachAfterKill(storage, path + ending) == [.init(sequence: claimed[2], deaths: 1)])
            await storage.close()
        }
    }

    @Test func whatEndsInOrderLeavesNoSuspects() async throws {
        try await withStorage { storage, _ in
            try await storage.attach()
            try await storage.emit(1...2)
            storage.attemptJournal(subscription: "ledger", lanes: 1)?.began(1, lane: 0)
            storage.detach()
            #expect(storage.attemptJournal(subscription: "ledger", lanes: 1) == nil)
            #expect(try await storage.attach().suspects.isEmpty)
        }
    }

    @Test func aSubscriptionsNotesWaitForIt() async throws {
        try await withStorage { storage, pool in
            let notes = pool.path + "-aftercommit.in-flight"
            try await storage.attach("other")
            try await storage.attachBoth()
            try await storage.emit(1...2)
            storage.attemptJournal(subscription: "ledger", lanes: 1)?.began(2, lane: 0)
            #expect(try await attachAfterKill(storage, notes, "other").isEmpty)
            #expect(try await attachAfterKill(storage, notes) == [.init(sequence: 2, deaths: 0)])
            storage.detach()
            #expect(try await storage.removeSubscription("ledger") != nil)
            // Which has its number in the database.
            #expect(try await storage.attach("next", start: .beginning).suspects.isEmpty)
        }
    }

    @Test func notesOfAnotherFileAreForgotten() async throws {
        try await withDatabasePath { path in
            var pool = try await openPool(path)
            var storage = try await SQLiteStorage(pool)
            try await storage.attach()
            let copy = path + ".copy"
            try await pool.write { try $0.execute(sql: "DELETE FROM orders") }
            try await pool.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO '\(copy)'") }
            try await storage.emit(1...3)
            storage.attemptJournal(subscription: "ledger", lanes: 1)?.began(2, lane: 0)
            let left = try Data(contentsOf: url(path + "-aftercommit.in-flight"))
            await storage.close()
            try pool.close()
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.moveItem(atPath: copy, toPath: path)
            try left.write(to: url(path + "-aftercommit.in-flight"))
            pool = try await openPool(path)
            storage = try await SQLiteStorage(pool)
            try await storage.emit(1...3)
            #expect(try await storage.attach().suspects.isEmpty)
            await storage.close()
        }
    }

    @Test func notesOfADatabaseWhoseFileHasAnothersContentAreForgotten() async throws {
        try await withDatabasePath { path in
            let other = path + ".other"
            for path in [path, other] {
                let pool = try await openPool(path)
                let storage = try await SQLiteStorage(pool)
                try await storage.emit(1...3)
                await storage.close()
                try await pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
                try pool.close()
            }
            let notes = path + "-aftercommit.in-flight"
            var pool = try await openPool(path)
            var storage = try await SQLiteStorage(pool)
            try await storage.attach(start: .beginning)
            storage.attemptJournal(subscription: "ledger", lanes: 1)?.began(2, lane: 0)
            #expect(try await attachAfterKill(storage, notes) == [.init(sequence: 2, deaths: 0)])
            let left = try Data(contentsOf: url(notes))
            await storage.close()
            try pool.close()
            // The file stays the same, as one often is that is made anew.
            let file = try FileHandle(forWritingTo: url(path))
            try file.truncate(atOffset: 0)
            try file.write(contentsOf: try Data(contentsOf: url(other)))
            try file.close()
            try left.write(to: url(notes))
            pool = try await openPool(path)
            storage = try await SQLiteStorage(pool)
            #expect(try await storage.attach(start: .beginning).suspects.isEmpty)
            await storage.close()
        }
    }

    @Test func whereNoFileCanBeHadItDeliversAllTheSame() async throws {
        let inMemory = try await SQLiteStorage(try DatabaseQueue())
        try await inMemory.attach()
        #expect(inMemory.attemptJournal(subscription: "ledger", lanes: 1) == nil)
        await inMemory.close()
        try await withStorage { storage, pool in
            let notes = url(pool.path + "-aftercommit.in-flight")
            try FileManager.default.createDirectory(at: notes, withIntermediateDirectories: false)
            try Data().write(to: notes.appendingPathComponent("in the way"))
            #expect(try await storage.attach().suspects.isEmpty)
            #expect(storage.attemptJournal(subscription: "ledger", lanes: 1) == nil)
            try await storage.emit(1...2)
            #expect(try await storage.claimNumbers() == [1, 2])
        }
    }
}

extension SQLiteStorage {
    /// Attaches both, so that both have places.
    fileprivate func attachBoth() async throws {
        detach()
        _ = try await attach(
            ["ledger", "other"].map { SubscriptionRegistration(name: $0, types: ["order.placed"]) }, wake: { _ in })
    }
}
#endif

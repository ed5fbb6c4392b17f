#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Synchronization
import Testing

/// What the writers have done.
private final class Writers: Sendable {
    let isDone = Atomic(false)
    /// The numbers of committed events.
    let committed = Mutex<[Int]>([])
}

/// Subscriptions that are registered while others insert.
@Suite struct RegistrationTests {
    @Test(arguments: 1...3)
    func noCommittedEventIsMissed(round: Int) async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let writers = Writers()
        let handler = RecordingHandler<OrderPlaced>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<20 {
                group.addTask {
                    try await Self.write(writer, seed: UInt64(100 * round + writer), writers, database)
                }
            }
            // Some are open and have looked already.
            _ = try await eventually { writers.committed.withLock(\.count) > 30 }
            let subscription = Subscription("late", to: OrderPlaced.self) { try await handler($0, $1) }
            try await running(storage, [subscription]) { engine in
                // Whoever commits from here on is seen to after it.
                let before = Set(writers.committed.withLock { $0 })
                _ = try await eventually { writers.committed.withLock(\.count) > before.count + 100 }
                writers.isDone.store(true, ordering: .relaxed)
                try await group.waitForAll()
                try await engine.drain()
                let wanted = Set(writers.committed.withLock { $0 }).subtracting(before)
                let delivered = handler.calls.map(\.event.number)
                #expect(wanted.subtracting(delivered) == [])
                #expect(Set(delivered).count == delivered.count)
                #expect(Set(delivered).isSubset(of: Set(writers.committed.withLock { $0 })))
            }
        }
        await storage.close()
    }

    /// A subscription that takes more types from now on, while a transaction is open that has inserted, or will.
    @Test(arguments: ["READ COMMITTED", "REPEATABLE READ"], [["order.paid"], ["order.*"], ["*"]])
    func aTypeThatIsAddedMissesNoOpenTransaction(level: String, patterns: [String]) async throws {
        let database = try await TestDatabase()
        let old = try await database.storage()
        _ = try await old.attach([Self.registration(["order.placed"])]) { _ in }
        #expect(try await old.areActive())
        try await database.run { try $0.insert(1) }
        let request = ClaimRequest(subscription: "test", limit: 10, now: Date())
        let first = try await old.claim(request).deliveries
        _ = try await old.settle(SettlementBatch(subscription: "test", delivered: first.map(\.sequence)))
        let hasBegun = Latch()
        let goOn = Signal()
        let writing = Task {
            try await database.run { session in
                try session.execute("BEGIN ISOLATION LEVEL \(level)")
                try session.insert(2, "order.paid")
                try session.insert(3)
                hasBegun.open()
                goOn.wait()
                try session.insert(4, "order.paid")
                try session.insert(5)
                try session.commit([])
            }
        }
        await hasBegun.wait()
        // What it did not take is history.
        try await database.run { try $0.insert(0, "order.paid") }
        let new = try await database.storage()
        let changed = patterns + ["order.placed"]
        let attaching = Task { try await new.attach([Self.registration(changed)]) { _ in } }
        #expect(try await Self.isInactive(database))
        goOn.raise()
        try await writing.value
        _ = try await attaching.value
        #expect(try await old.areActive())
        let claimed = try await new.claim(request).deliveries
        #expect(try claimed.map { try $0.number }.sorted() == [2, 3, 4, 5])
        _ = try await new.settle(SettlementBatch(subscription: "test", delivered: claimed.map(\.sequence)))
        let delivered = try await new.deliveries(DeliveryQuery(subscription: "test", state: .delivered))
        #expect(try delivered.map { try $0.number }.sorted() == [1, 2, 3, 4, 5])
        await old.close()
        await new.close()
    }

    @Test func twoChangesInARowMissNothing() async throws {
        let database = try await TestDatabase()
        let storages = [
            try await database.storage(), try await database.storage(), try await database.storage(),
        ]
        _ = try await storages[0].attach([Self.registration(["order.placed"])]) { _ in }
        #expect(try await storages[0].areActive())
        let hasBegun = Latch()
        let goOn = Signal()
        let writing = Task {
            try await database.run { session in
                // It sees nothing of either change.
                try session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
                try session.execute("SELECT count(*) FROM outbox_subscriptions")
                hasBegun.open()
                goOn.wait()
                for (number, type) in ["order.placed", "order.paid", "order.sent"].enumerated() {
                    try session.insert(number, type)
                }
                try session.commit([])
            }
        }
        await hasBegun.wait()
        let second = ["order.placed", "order.paid"]
        _ = try await storages[1].attach([Self.registration(second)]) { _ in }
        _ = try await storages[2].attach([Self.registration(second + ["order.sent"])]) { _ in }
        goOn.raise()
        try await writing.value
        #expect(try await storages[0].areActive())
        let claimed = try await storages[2].claim(ClaimRequest(subscription: "test", limit: 10, now: Date()))
        #expect(try claimed.deliveries.map { try $0.number }.sorted() == [0, 1, 2])
        for storage in storages { await storage.close() }
    }

    /// In another cluster transactions have other ids, lower ones in a new one.
    @Test func whatWasRestoredIsHistoryForANewSubscription() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        _ = try await storage.attach([Self.registration(["order.paid"])]) { _ in }
        #expect(try await storage.areActive())
        storage.detach()
        try await database.run { session in
            try session.insert(1)
            try session.execute(
                "UPDATE outbox_events SET xid = (pg_current_xact_id()::text::bigint + 1000000)::text::xid8")
            // It was dumped before it was active.
            try session.execute(
                """
                UPDATE outbox_subscriptions SET active = false,
                    xid = (pg_current_xact_id()::text::bigint + 1000001)::text::xid8
                """)
        }
        let new = SubscriptionRegistration(name: "new", types: ["order.placed"])
        _ = try await storage.attach([Self.registration(["order.paid"]), new]) { _ in }
        #expect(try await storage.areActive())
        try await database.run { session in
            try session.insert(2)
            try session.insert(3, "order.paid")
        }
        let date = Date()
        let placed = try await storage.claim(ClaimRequest(subscription: "new", limit: 10, now: date)).deliveries
        let paid = try await storage.claim(ClaimRequest(subscription: "test", limit: 10, now: date)).deliveries
        #expect(try placed.map { try $0.number } == [2])
        #expect(try paid.map { try $0.number } == [3])
        await storage.close()
    }

    private static func registration(_ patterns: [String]) -> SubscriptionRegistration {
        SubscriptionRegistration(
            name: "test", types: EventTypeSelection(Set(patterns.map { EventTypePattern(rawValue: $0) })))
    }

    private static func isInactive(_ database: TestDatabase) async throws -> Bool {
        try await eventually {
            try await database.run { session in
                try !session.execute("SELECT FROM outbox_subscriptions WHERE NOT active").isEmpty
            }
        }
    }

    private static func write(_ writer: Int, seed: UInt64, _ writers: Writers, _ database: TestDatabase) async throws {
        var random = Xoshiro256(seed: seed)
        let level = writer % 2 == 0 ? "READ COMMITTED" : "REPEATABLE READ"
        var number = writer * 1_000_000
        while !writers.isDone.load(ordering: .relaxed) {
            let numbers = (0..<Int.random(in: 1...3, using: &random)).map { number + $0 }
            let pauses = numbers.map { _ in Int.random(in: 0...20, using: &random) }
            let looksFirst = Bool.random(using: &random)
            let commits = Int.random(in: 0..<10, using: &random) > 0
            number += numbers.count
            try await database.run { session in
                try session.execute("BEGIN ISOLATION LEVEL \(level)")
                if looksFirst { try session.execute("SELECT count(*) FROM outbox_subscriptions") }
                for (number, pause) in zip(numbers, pauses) {
                    try session.execute("SELECT pg_sleep(\(Double(pause) / 1000))")
                    try session.insert(number)
                }
                try session.execute(commits ? "COMMIT" : "ROLLBACK")
            }
            if commits { writers.committed.withLock { $0 += numbers } }
        }
    }
}

extension PostgresSession {
    fileprivate func insert(_ number: Int, _ type: String = "order.placed") throws {
        _ = try execute(
            """
            INSERT INTO outbox_events (aggregatetype, aggregateid, type, payload)
            VALUES ('order', '1', $2, jsonb_build_object('number', $1::bigint))
            """, [.int64(Int64(number)), .text(type)])
    }
}

extension DeliveryRecord {
    fileprivate var number: Int {
        get throws { try ClaimedDelivery(sequence: id.sequence, envelope: envelope).number }
    }
}
#endif

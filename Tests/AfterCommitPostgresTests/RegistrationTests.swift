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
                    try session.execute(
                        """
                        INSERT INTO outbox_events (aggregatetype, aggregateid, type, payload)
                        VALUES ('order', '1', 'order.placed', jsonb_build_object('number', $1::bigint))
                        """, [.int64(Int64(number))])
                }
                try session.execute(commits ? "COMMIT" : "ROLLBACK")
            }
            if commits { writers.committed.withLock { $0 += numbers } }
        }
    }
}
#endif

#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Synchronization
import TestSupport
import Testing

/// Fault 35: the server restarts, transactions conflict, connections are lost.
@Suite struct Fault35DatabaseTests {
    private func numbers(_ database: TestDatabase) async throws -> [Int64] {
        try await database.run { session in
            try session.execute("SELECT n FROM effects ORDER BY n").map { try $0.int64(0) }
        }
    }

    @Test func nothingAcknowledgedIsLostWhenTheServerCrashesTwice() async throws {
        let server = try await onOwnThread("start-postgres") { try PrivatePostgres() }
        let database = try await TestDatabase(on: server)
        let storage = try await database.storage()
        try await storage.transaction { try $0.execute("CREATE TABLE effects (n bigint PRIMARY KEY)") }
        let handler = RecordingHandler<OrderPlaced>()
        let subscription = Subscription("test", to: OrderPlaced.self) { try await handler($0, $1) }
        try await running(storage, [subscription]) { engine in
            let acknowledged = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        for number in (writer * 100)..<(writer * 100 + 100) {
                            try await storage.transaction { tx in
                                try tx.execute("INSERT INTO effects VALUES ($1)", .int64(Int64(number)))
                                try tx.emit(OrderPlaced(number: number))
                            }
                            _ = acknowledged.next()
                        }
                    }
                }
                for limit in [100, 250] {
                    _ = try await eventually { acknowledged.value >= limit }
                    try await onOwnThread("restart") { try server.restart() }
                }
                try await group.waitForAll()
            }
            try await engine.drain()
            // No transaction was done twice: its row would have been there.
            #expect(try await numbers(database).count == 400)
            #expect(Set(handler.calls.map(\.event.number)) == Set(0..<400))
        }
        await storage.close()
    }

    @Test func deadlocksAndSerializationFailuresAreRunAgain() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage(configuration: .init(maxConflicts: 100, isolation: .serializable))
        try await storage.transaction { tx in
            try tx.execute("CREATE TABLE effects (n bigint PRIMARY KEY, value bigint NOT NULL)")
            try tx.execute("INSERT INTO effects VALUES (1, 0), (2, 0)")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    for _ in 0..<25 {
                        try await storage.transaction { tx in
                            // One order and the other: they deadlock, or see each other's past.
                            for row in writer % 2 == 0 ? [1, 2] : [2, 1] as [Int64] {
                                let value = try tx.query("SELECT value FROM effects WHERE n = $1", .int64(row)).first()
                                try tx.execute(
                                    "UPDATE effects SET value = $2 WHERE n = $1", .int64(row),
                                    .int64(try value.int64(0) + 1))
                            }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let sum = try await database.run { try $0.execute("SELECT sum(value)::bigint FROM effects").first().int64(0) }
        #expect(sum == 200)
        await storage.close()
    }

    @Test(arguments: [true, false])
    func aCommitThatIsNotAnsweredIsLookedUp(isCommitted: Bool) async throws {
        let database = try await TestDatabase()
        let proxy = try CuttingProxy(to: database.url)
        let storage = try await PostgresStorage(PostgresConfiguration(proxy.url, maxConnections: 2))
        try await storage.transaction { try $0.execute("CREATE TABLE effects (n bigint)") }
        // From then on the messages are the transactions'.
        let isListening = try await eventually {
            try await database.run { session in
                try !session.execute(
                    "SELECT FROM pg_stat_activity WHERE datname = $1 AND query LIKE 'LISTEN%' AND state = 'idle'",
                    [.text(database.name)]
                ).isEmpty
            }
        }
        #expect(isListening)
        for emits in [true, false] {
            let count = Counter()
            try await storage.transaction { tx in
                try tx.execute("INSERT INTO effects VALUES (1)")
                if emits { try tx.emit(OrderPlaced(number: 1)) }
                // The next message is the commit's, but for the question of the transaction's number.
                if count.next() == 1 { proxy.cut(after: emits ? 0 : 1, delivering: isCommitted) }
            }
            #expect(count.value == (isCommitted ? 1 : 2))
        }
        #expect(try await numbers(database) == [1, 1])
        let events = try await database.run { try $0.execute("SELECT count(*) FROM outbox_events").first().int64(0) }
        #expect(events == 1)
        await storage.close()
        proxy.stop()
    }

    /// Lets the first commit of rows in a table take some seconds, whoever wants to cancel it.
    private static func slowCommit(of table: String) -> String {
        """
        CREATE SEQUENCE commits;
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('commits') = 1 THEN
                BEGIN
                    PERFORM pg_sleep(2);
                EXCEPTION WHEN query_canceled THEN
                    PERFORM pg_sleep(2);
                END;
            END IF;
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON \(table) DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION slow();
        """
    }

    /// Waits until no other connection is inside a transaction.
    private func allIsDecided(_ database: TestDatabase) async throws -> Bool {
        try await eventually {
            try await database.run { session in
                try session.execute(
                    """
                    SELECT FROM pg_stat_activity
                    WHERE datname = $1 AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
                    """, [.text(database.name)]
                ).isEmpty
            }
        }
    }

    @Test func aCommitThatIsUnderWayStillIsNotTakenForUndone() async throws {
        let database = try await TestDatabase()
        let proxy = try CuttingProxy(to: database.url)
        let storage = try await PostgresStorage(PostgresConfiguration(proxy.url, maxConnections: 2))
        try await storage.transaction { try $0.execute("CREATE TABLE effects (n bigint)") }
        try await database.run { try $0.executeScript(Self.slowCommit(of: "effects")) }
        proxy.cut(at: "INSERT INTO outbox_events", delivering: true, awaiting: false)
        try await storage.transaction { tx in
            try tx.execute("INSERT INTO effects VALUES (1)")
            try tx.emit(OrderPlaced(number: 1))
        }
        #expect(try await allIsDecided(database))
        #expect(try await numbers(database) == [1])
        let events = try await database.run { try $0.execute("SELECT FROM outbox_events").count }
        #expect(events == 1)
        await storage.close()
        proxy.stop()
    }

    @Test func anEmitThatIsUnderWayStillIsNotReportedAsFailed() async throws {
        let database = try await TestDatabase()
        let proxy = try CuttingProxy(to: database.url)
        let storage = try await PostgresStorage(PostgresConfiguration(proxy.url, maxConnections: 2))
        try await database.run { try $0.executeScript(Self.slowCommit(of: "outbox_events")) }
        proxy.cut(at: "INSERT INTO outbox_events", delivering: true, awaiting: false)
        try await storage.emit(contentsOf: [OrderPlaced(number: 1), OrderPlaced(number: 2)])
        #expect(try await allIsDecided(database))
        let events = try await database.run { try $0.execute("SELECT FROM outbox_events").count }
        #expect(events == 2)
        await storage.close()
        proxy.stop()
    }

    @Test func whoIsCancelledIsToldOfItsCommitAllTheSame() async throws {
        let database = try await TestDatabase()
        let proxy = try CuttingProxy(to: database.url)
        let storage = try await PostgresStorage(PostgresConfiguration(proxy.url, maxConnections: 1))
        try await storage.transaction { try $0.execute("CREATE TABLE effects (n bigint)") }
        let (isInside, mayCommit) = (Latch(), DispatchSemaphore(value: 0))
        let committing = Task {
            try await storage.transaction { tx in
                try tx.execute("INSERT INTO effects VALUES (1)")
                try tx.emit(OrderPlaced(number: 1))
                isInside.open()
                mayCommit.wait()
            }
        }
        await isInside.wait()
        // Another has the only connection once the first has lost it.
        let (isBusy, mayEnd) = (Latch(), DispatchSemaphore(value: 0))
        let other = Task {
            try await storage.transaction { _ in
                isBusy.open()
                mayEnd.wait()
            }
        }
        #expect(try await eventually { storage.pool.counts.waiting == 1 })
        proxy.cut(at: "INSERT INTO outbox_events", delivering: true)
        mayCommit.signal()
        await isBusy.wait()
        #expect(try await eventually { storage.pool.counts.waiting == 1 })
        committing.cancel()
        mayEnd.signal()
        await #expect(throws: Never.self) { try await committing.value }
        _ = try await other.value
        #expect(try await numbers(database) == [1])
        await storage.close()
        proxy.stop()
    }

    @Test func aSilentServerHoldsUpNoClose() async throws {
        let server = try await onOwnThread("start-postgres") { try PrivatePostgres() }
        let database = try await TestDatabase(on: server)
        let storage = try await database.storage()
        let begun = Latch()
        let asking = Task {
            try await storage.transaction { tx in
                begun.open()
                try tx.execute("SELECT pg_sleep(3600)")
            }
        }
        await begun.wait()
        kill(try server.serverID(), SIGSTOP)
        await storage.close()
        await #expect(throws: (any Error).self) { try await asking.value }
        kill(try server.serverID(), SIGCONT)
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
#endif

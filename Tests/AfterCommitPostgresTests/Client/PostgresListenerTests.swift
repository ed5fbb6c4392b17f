#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import TestSupport
import Testing

@Suite struct PostgresListenerTests {
    private enum Heard: Equatable {
        case listening
        case notification
    }

    private func listener(_ url: String) throws -> (PostgresListener, AsyncStream<Heard>.Iterator) {
        let (heard, feed) = AsyncStream<Heard>.makeStream()
        let listener = try PostgresListener(
            PostgresConfiguration(url), channel: "orders", time: TimeSource(ContinuousClock()), logger: silent,
            onNotification: { feed.yield(.notification) }, onListening: { feed.yield(.listening) })
        return (listener, heard.makeAsyncIterator())
    }

    private func listeners(_ database: TestDatabase) async throws -> Int64 {
        try await database.run { session in
            try session.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND query LIKE 'LISTEN%'",
                [.text(database.name)]
            ).first().int64(0)
        }
    }

    @Test(.timeLimit(.minutes(2))) func itHearsItsChannelUntilItIsStopped() async throws {
        let database = try await TestDatabase()
        var (listener, heard) = try listener(database.url)
        listener.start()
        listener.start()
        #expect(await heard.next() == .listening)
        #expect(try await listeners(database) == 1)
        try await database.run { session in
            try session.executeScript("NOTIFY other")
            // One that is rolled back is none.
            try session.execute("BEGIN")
            try session.executeScript("NOTIFY orders")
            try session.execute("ROLLBACK")
        }
        try await database.run { try $0.executeScript("NOTIFY orders") }
        #expect(await heard.next() == .notification)
        await listener.stop()
        #expect(try await eventually { try await listeners(database) == 0 })
        // It may be stopped again, and is not started again.
        listener.start()
        await listener.stop()
        #expect(try await listeners(database) == 0)
    }

    @Test func aStopWaitsForTheEndOfTheThread() async throws {
        let database = try await TestDatabase()
        let isHeard = Latch()
        let goOn = Signal()
        let hasEnded = Flag()
        let listener = try PostgresListener(
            PostgresConfiguration(database.url), channel: "orders", time: TimeSource(ContinuousClock()),
            logger: silent, onNotification: {},
            onListening: {
                isHeard.open()
                goOn.wait()
                hasEnded.raise()
            })
        listener.start()
        await isHeard.wait()
        let stopping = Task {
            await listener.stop()
            return hasEnded.isRaised
        }
        for _ in 0..<1_000 { await Task.yield() }
        goOn.raise()
        #expect(await stopping.value)
    }

    @Test(.timeLimit(.minutes(2))) func itListensAgainAfterItsConnectionWasLost() async throws {
        let database = try await TestDatabase()
        var (listener, heard) = try listener(database.url)
        listener.start()
        #expect(await heard.next() == .listening)
        let process = try await database.run { session in
            try session.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND query LIKE 'LISTEN%'", [.text(database.name)]
            ).first().int32(0)
        }
        try await database.terminate(process)
        #expect(await heard.next() == .listening)
        try await database.run { try $0.executeScript("NOTIFY orders") }
        #expect(await heard.next() == .notification)
        await listener.stop()
    }

    @Test(.timeLimit(.minutes(2))) func itListensAgainAfterARestart() async throws {
        let server = try await onOwnThread("start-postgres") { try PrivatePostgres() }
        let database = try await TestDatabase(on: server)
        var (listener, heard) = try listener(database.url)
        listener.start()
        #expect(await heard.next() == .listening)
        try await onOwnThread("restart") { try server.restart() }
        #expect(await heard.next() == .listening)
        try await database.run { try $0.executeScript("NOTIFY orders") }
        #expect(await heard.next() == .notification)
        await listener.stop()
    }

    @Test(.timeLimit(.minutes(2))) func itCanBeStoppedWhereNobodyAnswers() async throws {
        let silentServer = try SilentServer()
        for port in [1, silentServer.port] {
            let (listener, _) = try listener("postgresql://x@127.0.0.1:\(port)/x?connect_timeout=600")
            listener.start()
            for _ in 0..<100 { await Task.yield() }
            await listener.stop()
        }
        // One that was never started too.
        await (try listener("postgresql://x@127.0.0.1:1/x")).0.stop()
    }
}
#endif

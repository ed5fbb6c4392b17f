#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Synchronization
import TestSupport
import Testing

/// How a relay gets its lease, keeps it and gives it up.
@Suite(.timeLimit(.minutes(3))) struct RelayLeaseTests {
    static let registration = SubscriptionRegistration(
        name: "test", types: EventTypeSelection(types: [OrderPlaced.type]))
    static let request = ClaimRequest(subscription: "test", limit: 10, now: Date())

    @Test func anEpochIsGivenOnceWhateverTheServerForgets() async throws {
        let server = try await onOwnThread("start-postgres") { try PrivatePostgres() }
        let database = try await TestDatabase(on: server)
        try await database.run { session in
            // What is not flushed is lost with the next crash.
            try session.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
            try session.execute("SELECT pg_reload_conf()")
        }
        let first = try await database.storage()
        let second = try await database.storage()
        _ = try await first.attach([Self.registration]) { _ in }
        let before = try #require(first.relay?.epoch)
        try await onOwnThread("restart") { try server.restart() }
        _ = try await second.attach([Self.registration]) { _ in }
        #expect(try #require(second.relay?.epoch) > before)
        await first.close()
        await second.close()
    }
}

extension PostgresStorage {
    var relay: Relay? { (queue as? PostgresOutbox)?.relay }
}
#endif

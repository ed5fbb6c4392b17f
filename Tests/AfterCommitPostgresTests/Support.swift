#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import Foundation
import TestSupport

/// A database of a test's own on the private server.
struct TestDatabase {
    let url: String

    init() async throws {
        url = try await onOwnThread("make-database") { try PrivatePostgres.shared().makeDatabase() }
    }

    static func server() async throws -> PrivatePostgres {
        try await onOwnThread("start-postgres") { try PrivatePostgres.shared() }
    }

    var configuration: PostgresConfiguration { get throws { try PostgresConfiguration(url) } }

    /// Runs statements beside what is tested, on a connection of its own.
    func run<R: Sendable>(_ body: @escaping @Sendable (PostgresSession) throws -> R) async throws -> R {
        try await Self.withSession(url, body)
    }

    private static func withSession<R: Sendable>(
        _ url: String, _ body: @escaping @Sendable (PostgresSession) throws -> R
    ) async throws -> R {
        let configuration = try PostgresConfiguration(url, statementTimeout: nil)
        return try await onOwnThread("test-session") {
            try body(
                PostgresSession.connect(configuration, interrupt: Interrupt(), time: TimeSource(ContinuousClock())))
        }
    }

    func pool(maxConnections: Int = 4) throws -> PostgresPool {
        try PostgresPool(
            PostgresConfiguration(url, maxConnections: maxConnections), time: TimeSource(ContinuousClock()))
    }

    func storage(
        configuration: PostgresStorage.Configuration = .init(), envelopes: EnvelopeFactory = EnvelopeFactory()
    ) async throws -> PostgresStorage {
        try await PostgresStorage(PostgresConfiguration(url), configuration: configuration, envelopes: envelopes)
    }
}

struct OrderPlaced: Event, Hashable {
    static let type: EventType = "order.placed"
    var number: Int
    var orderingKey: String?
}
#endif

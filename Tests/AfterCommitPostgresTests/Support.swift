#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Logging
import TestSupport

/// A database of a test's own on the private server.
struct TestDatabase {
    let url: String

    init() async throws {
        url = try await onOwnThread("make-database") { try PrivatePostgres.shared().makeDatabase() }
    }

    init(on server: PrivatePostgres) async throws {
        url = try await onOwnThread("make-database") { try server.makeDatabase() }
    }

    /// Runs statements beside what is tested, on a connection of its own.
    func run<R: Sendable>(_ body: @escaping @Sendable (PostgresSession) throws -> R) async throws -> R {
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
        configuration: PostgresStorage.Configuration = .init(), maxConnections: Int = 4
    ) async throws -> PostgresStorage {
        try await PostgresStorage(
            PostgresConfiguration(url, maxConnections: maxConnections), configuration: configuration)
    }
}

struct OrderPlaced: Event, Hashable {
    static let type: EventType = "order.placed"
    var number: Int
    var orderingKey: String?
}

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs an engine while `body` does.
func running<R>(
    _ storage: PostgresStorage, _ subscriptions: [Subscription], _ body: (EventEngine) async throws -> R
) async throws -> R {
    let engine = try await EventEngine(storage: storage, logger: silent, subscriptions: subscriptions)
    let running = Task { try await engine.run() }
    let result: Result<R, any Error>
    do {
        result = .success(try await body(engine))
    } catch {
        result = .failure(error)
    }
    running.cancel()
    _ = await running.result
    return try result.get()
}

/// Looks again and again until `condition` holds, for as long as a busy machine may need.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}

extension PostgresStorage {
    /// Waits until all subscriptions are active: transactions of other tests are waited for too, for as long as they take.
    func areActive() async throws -> Bool {
        try await eventually {
            try await pool.run { session in
                try session.execute("SELECT outbox_repair()")
                return try session.execute("SELECT FROM outbox_subscriptions WHERE NOT active").isEmpty
            }
        }
    }

    /// Attaches, and waits until what it delivers to is active.
    func attachWhole(
        _ registrations: [SubscriptionRegistration], wake: @escaping @Sendable (StorageChange) -> Void = { _ in }
    ) async throws {
        _ = try await attach(registrations, wake: wake)
        _ = try await areActive()
    }
}
#endif

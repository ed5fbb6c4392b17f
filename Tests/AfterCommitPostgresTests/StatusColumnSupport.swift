#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import Foundation

struct OrderShipped: Event {
    static let type: EventType = "order.shipped"
    var number: Int
}

extension TestDatabase {
    static let orders = PostgresStorage.Events.statusColumn(
        "orders", keyColumn: "number", key: { (event: OrderPlaced) in .int64(Int64(event.number)) },
        rebuild: { row in OrderPlaced(number: Int(try row.int64(try row.column("number")))) })

    /// One that has orders already, which never had an event.
    static func withOrders(_ numbers: [Int] = [100, 101]) async throws -> TestDatabase {
        let database = try await TestDatabase()
        try await database.run { session in
            try session.execute("CREATE TABLE orders (number bigint PRIMARY KEY, total numeric)")
            for number in numbers {
                try session.execute("INSERT INTO orders VALUES ($1, 1)", [.int64(Int64(number))])
            }
        }
        return database
    }

    /// A storage whose sweep is as rare as `pollInterval` says.
    func column(
        pollInterval: Duration = .seconds(3600), migrates: Bool = true
    ) async throws -> PostgresStorage {
        try await PostgresStorage(
            PostgresConfiguration(url, maxConnections: 4), events: Self.orders,
            configuration: .init(pollInterval: pollInterval, migrates: migrates))
    }
}

/// A connection of the test's own that has the right to deliver.
struct OtherHolder {
    let connection: PostgresConnection

    func close() async { await connection.close() }
}

extension TestDatabase {
    private static let holders = """
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """

    /// The process of the server that has the right to deliver.
    func holder() async throws -> Int32? {
        try await run { session in try session.execute(Self.holders).map { try $0.int32(0) }.first }
    }

    func isSucceeded(_ number: Int) async throws -> Bool {
        try await run { session in
            try session.execute(
                "SELECT event_status = 'succeeded' FROM orders WHERE number = $1", [.int64(Int64(number))]
            ).first().bool(0)
        }
    }

    /// Ends the connection that has it.
    func endHolder() async throws {
        try await run { session in
            _ = try session.execute("SELECT pg_terminate_backend(pid, 10000) FROM (\(Self.holders)) h").count
        }
    }

    /// Waits for the right, and ends the connection that has it.
    func takeFromHolder() async throws -> OtherHolder {
        let connection = try PostgresConnection(
            PostgresConfiguration(url), time: TimeSource(ContinuousClock()), number: 99)
        async let taken: Void = connection.run { session in
            _ = try session.execute(
                "SELECT pg_advisory_lock(hashtext('aftercommit_columns'), 'orders'::regclass::oid::integer)")
        }
        // Who waits is first in the queue once the other has ended.
        _ = try await eventually {
            try await run { session in
                try session.execute("SELECT count(*) FROM (\(Self.holders)) h").first().int64(0) == 2
            }
        }
        try await run { session in
            _ = try session.execute(
                "SELECT pg_terminate_backend(pid) FROM (\(Self.holders) AND granted) h"
            ).count
        }
        try await taken
        return OtherHolder(connection: connection)
    }
}

extension PostgresStorage {
    @discardableResult
    func attach(
        _ name: String = "ledger", start: SubscriptionStart = .now,
        wake: @escaping @Sendable (StorageChange) -> Void = { _ in }
    ) async throws -> SubscriptionPlace {
        try await attach(
            [SubscriptionRegistration(name: name, types: EventTypeSelection(["order.placed"]), start: start)],
            wake: wake)[0]
    }

    func claim(limit: Int = 100, now: Date = .distantPast) async throws -> [ClaimedDelivery] {
        try await claim(ClaimRequest(subscription: "ledger", limit: limit, now: now)).deliveries
    }

    func claimNumbers(limit: Int = 100) async throws -> [Int] { try numbers(try await claim(limit: limit)) }

    func numbers(_ deliveries: [ClaimedDelivery]) throws -> [Int] {
        try deliveries.map {
            try coder.decode(OrderPlaced.self, from: try $0.envelope.bytes(using: coder)).number
        }
    }

    func state(_ number: Int) async throws -> RowStatus.State? {
        try await status(of: .int64(Int64(number)))?.state
    }
}
#endif

#if Example
import AfterCommit
import Logging
#if Postgres
import AfterCommitPostgres
import Foundation

extension PostgresTransaction: OrderTransaction {
    func insert(_ order: Order) throws {
        do {
            try execute(
                "INSERT INTO orders (id, customer, lines, total) VALUES ($1, $2, $3, $4)", .uuid(order.id),
                .text(order.customer), .json(try OrderLines.text(order.lines)), .decimal(order.total))
        } catch let error as PostgresError where error.isUniqueViolation {
            throw StorageError.duplicateKey(table: "orders")
        }
    }
}

extension PostgresStorage: OrderStorage {
    func order(_ id: UUID) async throws -> Order? {
        try await transaction { tx in
            try tx.query("SELECT customer, lines, total FROM orders WHERE id = $1", .uuid(id)).map { row in
                Order(
                    id: id, customer: try row.text(0), lines: try OrderLines.lines(try row.text(1)),
                    total: try row.decimal(2))
            }.first
        }
    }
}

extension OpenStore {
    static func postgres(at url: String, _ events: Events, _ lease: Duration?, _ logger: Logger) async throws -> Self {
        var configuration = PostgresStorage.Configuration()
        if let lease { configuration.leaseDuration = lease }
        let database = try PostgresConfiguration(url)
        let outbox = try await PostgresStorage(database, configuration: configuration, logger: logger)
        do {
            try await outbox.transaction { tx in
                // Several processes may begin at once.
                _ = try tx.query("SELECT pg_advisory_xact_lock(hashtext('orders'))")
                try tx.execute(
                    """
                    CREATE TABLE IF NOT EXISTS orders (
                        id uuid PRIMARY KEY, customer text NOT NULL, lines jsonb NOT NULL, total numeric NOT NULL)
                    """)
                try tx.execute(PostgresStorage.knownOrderSchema)
            }
        } catch {
            await outbox.close()
            throw error
        }
        guard case .statusColumn = events else {
            return Self(outbox, events.choice(.postgres(url: url))) { await outbox.close() }
        }
        // The column belongs to a table that is there.
        await outbox.close()
        let storage = try await PostgresStorage(
            database, events: .orders, configuration: configuration, logger: logger)
        return Self(storage, events.choice(.postgres(url: url))) { await storage.close() }
    }
}

extension PostgresStorage.Events {
    /// The status on the rows of the orders.
    fileprivate static let orders = statusColumn(
        "orders", keyColumn: "id", key: { (event: OrderPlaced) in .uuid(event.orderID) },
        rebuild: { row in
            OrderPlaced(
                orderID: try row.uuid(row.column("id")), customer: try row.text(row.column("customer")),
                total: try row.decimal(row.column("total")))
        })
}
#else
extension OpenStore {
    static func postgres(at url: String, _ events: Events, _ lease: Duration?, _ logger: Logger) async throws -> Self {
        throw StorageError(.unsuitablePath, "this program was built without PostgreSQL: add --traits Example,Postgres")
    }
}
#endif
#endif

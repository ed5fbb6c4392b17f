import AfterCommit
import AfterCommitPostgres
import Foundation

extension PostgresTransaction: OrderTransaction {
    func insert(_ order: Order) throws {
        try execute("INSERT INTO orders (id, total) VALUES ($1, $2)", .uuid(order.id), .decimal(order.total))
    }
}

extension PostgresStorage: OrderStorage {
    static func openOrders() async throws -> PostgresStorage {
        let storage = try await PostgresStorage(PostgresConfiguration(Settings.orders))
        try await storage.transaction { tx in
            try tx.execute("CREATE TABLE IF NOT EXISTS orders (id uuid PRIMARY KEY, total numeric NOT NULL)")
        }
        return storage
    }
}

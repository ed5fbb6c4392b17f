#if Example && Postgres
import AfterCommit
import AfterCommitPostgres
import Foundation

extension PostgresTransaction: PlatformTransaction {
    func insert(_ order: KnownOrder) throws {
        try execute(
            "INSERT INTO known_orders (id, customer, total, event) VALUES ($1, $2, $3, $4)", .uuid(order.id),
            .text(order.customer), .decimal(order.total), .text(order.event))
    }
}

extension PostgresStorage: PlatformStorage {
    static let knownOrderSchema = """
        CREATE TABLE IF NOT EXISTS known_orders (
            id uuid PRIMARY KEY, customer text NOT NULL, total numeric NOT NULL, event text NOT NULL)
        """

    func knownOrderCount() async throws -> Int {
        try await transaction { tx in
            Int(try tx.query("SELECT count(*) FROM known_orders").first().int64(0))
        }
    }
}
#endif

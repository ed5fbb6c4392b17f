#if Example && SQLite
import AfterCommit
import AfterCommitSQLite
import Foundation
import GRDB

extension SQLiteTransaction: PlatformTransaction {
    func insert(_ order: KnownOrder) throws {
        try database.execute(
            sql: "INSERT INTO known_orders (id, customer, total, event) VALUES (?, ?, ?, ?)",
            arguments: [order.id.uuidString, order.customer, "\(order.total)", order.event])
    }
}

extension SQLiteStorage: PlatformStorage {
    static let knownOrderSchema = """
        CREATE TABLE IF NOT EXISTS known_orders (
            id TEXT PRIMARY KEY NOT NULL, customer TEXT NOT NULL, total TEXT NOT NULL, event TEXT NOT NULL)
        """

    func knownOrderCount() async throws -> Int {
        try await database.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM known_orders") ?? 0 }
    }
}
#endif

import AfterCommit
import AfterCommitSQLite
import Foundation
import GRDB

extension SQLiteTransaction: OrderTransaction {
    func insert(_ order: Order) throws {
        try database.execute(
            sql: "INSERT INTO orders (id, total) VALUES (?, ?)", arguments: [order.id.uuidString, "\(order.total)"])
    }
}

extension SQLiteStorage: OrderStorage {
    static func openOrders(at path: String) async throws -> SQLiteStorage {
        let pool = try DatabasePool(path: path)
        try await pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, total TEXT NOT NULL)")
        }
        return try await SQLiteStorage(pool)
    }

    func closeOrders() async throws {
        await close()
        try database.close()
    }
}

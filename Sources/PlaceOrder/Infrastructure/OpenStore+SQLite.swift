#if Example
import AfterCommit
import Logging
#if SQLite
import AfterCommitSQLite
import Foundation
import GRDB

extension SQLiteTransaction: OrderTransaction {
    func insert(_ order: Order) throws {
        do {
            try database.execute(
                sql: "INSERT INTO orders (id, customer, lines, total) VALUES (?, ?, ?, ?)",
                arguments: [
                    order.id.uuidString, order.customer, try OrderLines.text(order.lines), "\(order.total)",
                ])
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_PRIMARYKEY {
            throw StorageError.duplicateKey(table: "orders")
        }
    }
}

extension SQLiteStorage: OrderStorage {
    func order(_ id: UUID) async throws -> Order? {
        try await database.read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM orders WHERE id = ?", arguments: [id.uuidString])
                .map { try Order(row: $0) }
        }
    }
}

extension Order {
    fileprivate init(row: Row) throws {
        guard let id = UUID(uuidString: row["id"]), let total = Decimal(string: row["total"]) else {
            throw DamagedRow(text: "\(row["id"] as String) has no total, or is no id")
        }
        self.init(id: id, customer: row["customer"], lines: try OrderLines.lines(row["lines"]), total: total)
    }
}

/// A row that somebody else has changed.
private struct DamagedRow: Error, CustomStringConvertible {
    let text: String
    var description: String { "the order \(text)" }
}

extension OpenStore {
    static func sqlite(at path: String, isTemporary: Bool, _ events: Events, _ logger: Logger) async throws -> Self {
        let pool = try DatabasePool(path: path)
        try await pool.writeWithoutTransaction { db in
            // The pool has set it to NORMAL, which may lose what was acknowledged.
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS orders (
                        id TEXT PRIMARY KEY NOT NULL, customer TEXT NOT NULL, lines TEXT NOT NULL, total TEXT NOT NULL)
                    """)
            try db.execute(sql: SQLiteStorage.knownOrderSchema)
        }
        let storage = try await SQLiteStorage(pool, events: events.ofSQLite, logger: logger)
        return Self(storage, events.choice(.sqlite(path: path)), temporaryPath: isTemporary ? path : nil) {
            await storage.close()
        }
    }
}

extension OpenStore.Events {
    fileprivate var ofSQLite: SQLiteStorage.Events {
        switch self {
        case .outbox: .outbox
        case .statusColumn:
            .statusColumn(
                "orders", keyColumn: "id", key: { (event: OrderPlaced) in event.orderID.uuidString },
                rebuild: { OrderPlaced(try Order(row: $0)) })
        }
    }
}
#else
extension OpenStore {
    static func sqlite(at path: String, isTemporary: Bool, _ events: Events, _ logger: Logger) async throws -> Self {
        throw StorageError(.unsuitablePath, "this program was built without SQLite: add --traits Example,SQLite")
    }
}
#endif
#endif

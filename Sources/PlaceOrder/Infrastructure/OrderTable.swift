#if Example
import AfterCommit
import Foundation

/// The orders as a typed table: memory and LMDB share it, so that each adapter is two lines.
enum OrderTable {
    static let orders = Table<UUID, Order>("orders")
}

extension TableTransaction {
    func insert(_ order: Order) throws {
        try insert(order, for: order.id, in: OrderTable.orders)
    }
}

extension TableStorage {
    func order(_ id: UUID) async throws -> Order? {
        try await read { reader in try reader.value(for: id, in: OrderTable.orders) }
    }
}
#endif

import AfterCommit
import Foundation

enum Tables {
    static let orders = Table<UUID, Order>("orders")
}

extension TableTransaction {
    func insert(_ order: Order) throws {
        try insert(order, for: order.id, in: Tables.orders)
    }
}

extension InMemoryTransaction: OrderTransaction {}
extension InMemoryStorage: OrderStorage {}

import AfterCommit
import Foundation

enum Tables {
    static let orders = Table<UUID, Order>("orders")
    static let knownOrders = Table<UUID, KnownOrder>("known-orders")
}

extension TableTransaction {
    func insert(_ order: Order) throws {
        try insert(order, for: order.id, in: Tables.orders)
    }

    func know(_ order: KnownOrder) throws {
        try put(order, for: order.id, in: Tables.knownOrders)
    }
}

extension InMemoryTransaction: OrderTransaction, KnownOrderTransaction {}
extension InMemoryStorage: OrderStorage, KnownOrderStorage {}

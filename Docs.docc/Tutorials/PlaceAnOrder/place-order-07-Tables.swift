import AfterCommit
import Foundation

extension TableTransaction {
    func insert(_ order: Order) throws {
        try insert(order, for: order.id, in: Table<UUID, Order>("orders"))
    }
}

extension InMemoryTransaction: OrderTransaction {}
extension InMemoryStorage: OrderStorage {}

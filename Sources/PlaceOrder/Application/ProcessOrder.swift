#if Example
import Foundation

/// The business part of placing an order. It runs inside the transaction.
struct ProcessOrder: Sendable {
    /// Names each new order.
    var newID: @Sendable () -> UUID = { UUID() }

    func callAsFunction(_ request: OrderRequest, in transaction: some OrderTransaction) throws -> Order {
        let order = Order(id: newID(), customer: request.customer, lines: request.lines, total: request.total)
        try transaction.insert(order)
        return order
    }
}
#endif

import AfterCommit
import Foundation

struct OrderRequest: Sendable {
    var total: Decimal
}

struct OrderRejected: Error {}

struct ProcessOrder: Sendable {
    func callAsFunction(_ request: OrderRequest, in tx: any OrderWriter & EventEmitter) throws -> Order {
        guard request.total > 0 else { throw OrderRejected() }
        let order = Order(id: UUID(), total: request.total)
        try tx.insert(order)
        try tx.emit(OrderPlaced(orderID: order.id, total: order.total))
        return order
    }
}

import AfterCommit
import Foundation

struct OrderRejected: Error {}

struct PlaceOrder: Sendable {
    let storage: any OrderStorage

    func callAsFunction(total: Decimal) async throws -> Order {
        try await storage.transaction { tx in
            let order = Order(id: UUID(), total: total)
            try tx.insert(order)
            try tx.emit(OrderPlaced(orderID: order.id, total: order.total))
            // What is written already is rolled back, the event included.
            guard total > 0 else { throw OrderRejected() }
            return order
        }
    }
}

#if Example
import AfterCommit
import Foundation

/// An order was placed.
struct OrderPlaced: Event {
    static let type: EventType = "order.placed"

    var orderID: UUID
    var customer: String
    var total: Decimal

    /// What happens to one order is told in the order it happened.
    var orderingKey: String? { orderID.uuidString }
}

extension OrderPlaced {
    /// What an order's row says of its event, where the row alone is kept.
    init(_ order: Order) {
        self.init(orderID: order.id, customer: order.customer, total: order.total)
    }
}
#endif

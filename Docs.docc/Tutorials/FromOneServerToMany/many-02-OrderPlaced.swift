import AfterCommit
import Foundation

struct OrderPlaced: Event {
    static let type: EventType = "order.placed"
    var orderID: UUID
    var total: Decimal
    var orderingKey: String? { orderID.uuidString }
}

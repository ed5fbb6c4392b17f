import AfterCommit
import AfterCommitLMDB

extension LMDBStorage.Events {
    static let ofOrders = statusColumn(
        Tables.orders, key: { (event: OrderPlaced) in event.orderID },
        rebuild: { id, order in OrderPlaced(orderID: id, total: order.total) })
}

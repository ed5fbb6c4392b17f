#if Example
import AfterCommit

/// Takes an order: writes it and tells the world, both or neither.
struct PlaceOrder: Sendable {
    let storage: any OrderStorage
    var processOrder = ProcessOrder()

    /// - Returns: the order, once it is committed.
    /// - Throws: ``OrderRejection`` for a bad order, `StorageError` where the storage cannot take it.
    func callAsFunction(_ request: OrderRequest) async throws -> Order {
        try request.validate()
        return try await storage.transaction { [processOrder] transaction in
            let order = try processOrder(request, in: transaction)
            try transaction.emit(OrderPlaced(orderID: order.id, customer: order.customer, total: order.total))
            return order
        }
    }
}
#endif

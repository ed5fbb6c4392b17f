#if Example
import AfterCommit
import Foundation

/// What the data platform knows of an order.
struct KnownOrder: Codable, Sendable, Hashable {
    var id: UUID
    var customer: String
    var total: Decimal
    /// The event that told it.
    var event: String
}

extension KnownOrder {
    init(_ placed: OrderPlaced, event: EventID) {
        self.init(id: placed.orderID, customer: placed.customer, total: placed.total, event: event.description)
    }
}

/// What the data platform needs of a transaction.
protocol PlatformTransaction: StorageTransaction {
    /// Fails for an order that is known: an effect that came twice would show.
    func insert(_ order: KnownOrder) throws
}

/// Where the data platform keeps what it knows.
protocol PlatformStorage: TransactionalStorage where Transaction: PlatformTransaction {
    /// How many orders it knows.
    func knownOrderCount() async throws -> Int
}

extension PlatformStorage {
    /// Writes each order that was told of, in the transaction that settles its event.
    var knownOrders: Subscription {
        subscription("known-orders", to: OrderPlaced.self, start: .beginning) { event, tx, context in
            try tx.insert(KnownOrder(event, event: context.eventID))
        }
    }
}
#endif

import AfterCommit
import AfterCommitLMDB
import Foundation
import Logging

struct OrderPlaced: Event {
    static let type: EventType = "order.placed"
    var orderID: UUID
    var total: Decimal
    var orderingKey: String? { orderID.uuidString }
}

struct Order: Codable, Sendable {
    var id: UUID
    var total: Decimal
}

protocol OrderTransaction: StorageTransaction {
    func insert(_ order: Order) throws
}

protocol OrderStorage: TransactionalStorage where Transaction: OrderTransaction {}

struct PlaceOrder: Sendable {
    let storage: any OrderStorage

    func callAsFunction(total: Decimal) async throws -> Order {
        try await storage.transaction { tx in
            let order = Order(id: UUID(), total: total)
            try tx.insert(order)
            try tx.emit(OrderPlaced(orderID: order.id, total: order.total))
            return order
        }
    }
}

extension TableTransaction {
    func insert(_ order: Order) throws {
        try insert(order, for: order.id, in: Table<UUID, Order>("orders"))
    }
}

extension LMDBTransaction: OrderTransaction {}
extension LMDBStorage: OrderStorage {}

let logger = Logger(label: "shop")
let storage: any OrderStorage = try LMDBStorage(path: "shop.lmdb", logger: logger)
let engine = try await EventEngine(
    storage: storage, logger: logger,
    subscriptions: [
        Subscription("data-platform", to: OrderPlaced.self) { event, context in
            print("delivered \(event.total) on attempt \(context.attempt)/\(context.maxAttempts)")
        }
    ])

let placeOrder = PlaceOrder(storage: storage)
_ = try await placeOrder(total: 42)
try await engine.drain()

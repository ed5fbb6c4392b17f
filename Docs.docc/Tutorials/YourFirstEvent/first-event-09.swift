import AfterCommit
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

extension InMemoryTransaction: OrderTransaction {}
extension InMemoryStorage: OrderStorage {}

actor DataPlatform {
    struct Unavailable: Error {}
    private var isUp = false
    private var received: Set<String> = []

    func start() { isUp = true }

    func publish(_ event: OrderPlaced, idempotencyKey: String) throws {
        guard isUp else { throw Unavailable() }
        guard received.insert(idempotencyKey).inserted else { return }
        print("received \(event.total)")
    }
}

let logger = Logger(label: "shop")
let dataPlatform = DataPlatform()
let storage: any OrderStorage = InMemoryStorage()
let engine = try await EventEngine(
    storage: storage, logger: logger,
    subscriptions: [
        Subscription(
            "data-platform", to: OrderPlaced.self,
            policy: DeliveryPolicy(maxRetries: 2, backoff: .constant(.milliseconds(100)))
        ) { event, context in
            print("attempt \(context.attempt)/\(context.maxAttempts)")
            try await dataPlatform.publish(event, idempotencyKey: context.idempotencyKey)
        }
    ])

let placeOrder = PlaceOrder(storage: storage)
_ = try await placeOrder(total: 42)
try await engine.drain()

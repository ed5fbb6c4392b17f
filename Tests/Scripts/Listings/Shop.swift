// What the listings of README.md take as given.
import AfterCommitKafka
import AfterCommitRabbitMQ
import AfterCommitTesting
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

struct Order: Codable, Sendable {
    var id: UUID
    var total: Decimal
}

struct OrderRequest: Codable, Sendable { var total: Decimal }

struct ProcessOrder: Sendable {
    func callAsFunction(_ request: OrderRequest, in tx: any OrderTransaction) throws -> Order {
        let order = Order(id: UUID(), total: request.total)
        try tx.insert(order)
        return order
    }
}

struct DataPlatform: Sendable { func publish(_ event: OrderPlaced, idempotencyKey: String) async throws {} }

struct Server: Service { func run() async throws {} }

let logger = Logger(label: "shop")
let server = Server()
let dataPlatform = DataPlatform()

import AfterCommit
import Foundation

struct Order: Codable, Sendable {
    var id: UUID
    var total: Decimal
}

protocol OrderWriter {
    func insert(_ order: Order) throws
}

protocol OrderTransaction: StorageTransaction, OrderWriter {}

protocol OrderStorage: TransactionalStorage where Transaction: OrderTransaction {}

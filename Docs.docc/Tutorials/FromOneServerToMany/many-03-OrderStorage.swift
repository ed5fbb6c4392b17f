import AfterCommit
import Foundation

struct Order: Codable, Sendable {
    var id: UUID
    var total: Decimal
}

protocol OrderTransaction: StorageTransaction {
    func insert(_ order: Order) throws
}

protocol OrderStorage: TransactionalStorage where Transaction: OrderTransaction {}

import AfterCommit
import Foundation

struct KnownOrder: Codable, Sendable {
    var id: UUID
    var total: Decimal
}

protocol KnownOrderTransaction: StorageTransaction {
    func know(_ order: KnownOrder) throws
}

protocol KnownOrderStorage: TransactionalStorage where Transaction: KnownOrderTransaction {}

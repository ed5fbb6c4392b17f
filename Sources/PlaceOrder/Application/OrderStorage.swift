#if Example
import AfterCommit
import Foundation

/// What the use case needs of a transaction, beside emitting.
protocol OrderTransaction: StorageTransaction {
    func insert(_ order: Order) throws
}

/// Where orders are kept. The use case cannot tell which one it has.
protocol OrderStorage: TransactionalStorage where Transaction: OrderTransaction {
    /// The committed order of this id.
    func order(_ id: UUID) async throws -> Order?
}
#endif

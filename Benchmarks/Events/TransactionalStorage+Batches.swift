import AfterCommit

extension TransactionalStorage {
    /// Emits in transactions of so many events each.
    func emitInBatches(of size: Int, count: Int) async throws {
        for first in stride(from: 0, to: count, by: size) {
            try await transaction { tx in
                for number in first..<Swift.min(first + size, count) { try tx.emit(OrderPlaced(number: number)) }
            }
        }
    }
}

#if Example
import AfterCommit
import AfterCommitLMDB
import Foundation

/// What the platform knows as a typed table, in memory and in LMDB.
enum KnownOrderTable {
    static let orders = Table<UUID, KnownOrder>("known_orders")
}

extension TableTransaction {
    func insert(_ order: KnownOrder) throws {
        try insert(order, for: order.id, in: KnownOrderTable.orders)
    }
}

extension TableStorage {
    func knownOrderCount() async throws -> Int {
        try await read { reader in
            try reader.entries(in: KnownOrderTable.orders, after: nil, limit: .max).count
        }
    }
}

extension InMemoryTransaction: PlatformTransaction {}
extension InMemoryStorage: PlatformStorage {}
extension LMDBTransaction: PlatformTransaction {}
extension LMDBStorage: PlatformStorage {}
#endif

import AfterCommit
import AfterCommitLMDB
import AfterCommitSQLite

/// The one place that knows which storage there is.
func openStorage(_ name: String) async throws -> any OrderStorage {
    switch name {
    case "lmdb": try LMDBStorage(path: "orders.lmdb")
    case "status": try LMDBStorage(path: "orders-status.lmdb", events: .ofOrders)
    case "sqlite": try await SQLiteStorage.openOrders(at: "orders.sqlite")
    default: InMemoryStorage()
    }
}

import AfterCommit
import AfterCommitLMDB
import Foundation
import Logging

@main enum Shop {
    static func main() async throws {
        let storage = try LMDBStorage(path: "orders.lmdb", logger: Logger(label: "store"))
        let messaging = DataPlatformMessaging(dataPlatform: PrintingDataPlatform())
        let engine = try await EventEngine(
            storage: storage, logger: Logger(label: "shop"), subscriptions: [messaging.subscription])

        let placeOrder = PlaceOrder(storage: storage)
        _ = try await placeOrder(OrderRequest(total: 42))
        do {
            _ = try await placeOrder(OrderRequest(total: 0))
        } catch is OrderRejected {
            print("rejected 0")
        }
        try await engine.drain()

        let count = try await storage.read { try $0.count(of: Table<UUID, Order>("orders")) }
        print("orders in the store: \(count)")
    }
}

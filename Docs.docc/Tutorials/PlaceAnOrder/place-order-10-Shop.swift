import AfterCommit
import Foundation
import Logging

@main enum Shop {
    static func main() async throws {
        let storage: any OrderStorage = InMemoryStorage()
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
    }
}

import AfterCommit
import AfterCommitLMDB
import AfterCommitTesting
import Foundation
import Logging
import Testing

@testable import Shop

@Suite struct PlaceOrderTests {
    @Test func inMemory() async throws {
        try await anOrderReachesItsHandler(InMemoryStorage())
    }

    @Test func onLMDB() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).lmdb")
        let storage = try LMDBStorage(path: folder.path)
        try await anOrderReachesItsHandler(storage)
        await storage.close()
        try FileManager.default.removeItem(at: folder)
    }

    private func anOrderReachesItsHandler(_ storage: any OrderStorage) async throws {
        let handler = RecordingHandler<OrderPlaced>()
        let engine = try await EventEngine(
            storage: storage, logger: Logger(label: "test"),
            subscriptions: [Subscription("test", to: OrderPlaced.self) { try await handler($0, $1) }])
        let order = try await PlaceOrder(storage: storage)(OrderRequest(total: 42))
        try await engine.drain()
        try handler.requireDelivered(count: 1) { $0.orderID == order.id }
    }
}

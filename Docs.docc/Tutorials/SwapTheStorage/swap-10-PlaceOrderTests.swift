import AfterCommit
import AfterCommitLMDB
import AfterCommitTesting
import Foundation
import Logging
import Testing

@testable import Shop

@Suite struct PlaceOrderTests {
    @Test func inMemory() async throws {
        try await anOrderReachesItsHandlerOnce(InMemoryStorage())
    }

    @Test func inAnOutboxOnLMDB() async throws {
        try await withFolder { folder in
            let storage = try LMDBStorage(path: folder.appending(path: "orders.lmdb").path)
            try await anOrderReachesItsHandlerOnce(storage)
            await storage.close()
        }
    }

    @discardableResult
    private func anOrderReachesItsHandlerOnce(_ storage: any OrderStorage) async throws -> Order {
        let handler = RecordingHandler<OrderPlaced>()
        let engine = try await EventEngine(
            storage: storage, logger: Logger(label: "test"),
            subscriptions: [Subscription("test", to: OrderPlaced.self) { try await handler($0, $1) }])
        let order = try await PlaceOrder(storage: storage)(total: 42)
        await #expect(throws: OrderRejected.self) { try await PlaceOrder(storage: storage)(total: 0) }
        try await engine.drain()
        try handler.requireAttempts(count: 1)
        try handler.requireDelivered(count: 1) { $0.orderID == order.id && $0.total == 42 }
        return order
    }

    private func withFolder(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "shop-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }
}

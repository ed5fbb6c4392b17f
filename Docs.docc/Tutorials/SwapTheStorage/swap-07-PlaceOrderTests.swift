import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import Testing

@testable import Shop

@Suite struct PlaceOrderTests {
    @Test func inMemory() async throws {
        try await anOrderReachesItsHandlerOnce(InMemoryStorage())
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
}

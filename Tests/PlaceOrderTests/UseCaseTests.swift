#if Example
import AfterCommit
import Foundation
@testable import PlaceOrder
import Testing

@Suite("Placing an order")
struct UseCaseTests {
    /// One body for every storage.
    private func with(
        _ choice: StorageChoice, _ body: (any OrderStorage, EventEngine, RecordingSink) async throws -> Void
    ) async throws {
        let store = try await OpenStore(choice, logger: Fixtures.logger)
        let sink = RecordingSink()
        let engine = try await EventEngine(
            storage: store.orders, logger: Fixtures.logger,
            subscriptions: [DataPlatformMessaging(sink: sink, policy: .reference(timeout: .seconds(3))).subscription])
        try await body(store.orders, engine, sink)
        await store.close()
    }

    @Test("keeps the order and tells the data platform", arguments: Fixtures.storages)
    func placed(choice: StorageChoice) async throws {
        try await with(choice) { orders, engine, sink in
            let order = try await PlaceOrder(storage: orders)(Fixtures.request)
            #expect(order.total == 17)
            #expect(try await orders.order(order.id) == order)
            try await engine.drain()
            #expect(sink.received == [order.id.uuidString])
        }
    }

    @Test("tells of nothing that was not committed", arguments: Fixtures.storages)
    func rolledBack(choice: StorageChoice) async throws {
        try await with(choice) { orders, engine, sink in
            let id = UUID()
            let placeOrder = PlaceOrder(storage: orders, processOrder: ProcessOrder(newID: { id }))
            _ = try await placeOrder(Fixtures.request)
            let error = await #expect(throws: StorageError.self) { try await placeOrder(Fixtures.request) }
            #expect(error?.code == .duplicateKey)
            try await engine.drain()
            #expect(sink.received == [id.uuidString])
        }
    }

    @Test("refuses bad orders before it touches the storage", arguments: Fixtures.storages)
    func rejected(choice: StorageChoice) async throws {
        try await with(choice) { orders, engine, sink in
            let placeOrder = PlaceOrder(storage: orders)
            let line = Fixtures.request.lines[0]
            var bad = [Fixtures.request, Fixtures.request, Fixtures.request, Fixtures.request, Fixtures.request]
            bad[0].customer = ""
            bad[1].lines = []
            bad[2].lines = [.init(article: "", quantity: 1, unitPrice: 1)]
            bad[3].lines = [.init(article: "tea", quantity: 0, unitPrice: 1)]
            bad[4].lines = Array(repeating: line, count: 101)
            for request in bad {
                await #expect(throws: OrderRejection.self) { try await placeOrder(request) }
            }
            try await engine.drain()
            #expect(sink.received.isEmpty)
        }
    }

    @Test("has the policy of the reference flow")
    func policy() {
        let subscription = DataPlatformMessaging(sink: RecordingSink(), policy: .reference(timeout: .seconds(3)))
            .subscription
        #expect(subscription.name == "data-platform")
        #expect(subscription.endpoint == Endpoint("data-platform"))
        #expect(subscription.policy.timeout == .seconds(3))
        #expect(subscription.policy.maxRetries == 3)
        #expect(subscription.policy.concurrency == 16)
    }
}
#endif

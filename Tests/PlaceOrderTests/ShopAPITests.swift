#if Example
import AfterCommit
import Foundation
@testable import PlaceOrder
import Testing

@Suite("The shop's API")
struct ShopAPITests {
    private let order = "{\"customer\":\"ada\",\"lines\":[{\"article\":\"tea\",\"quantity\":2,\"unitPrice\":3.5}]}"

    /// A shop behind HTTP whose engine runs, if at all, only when the test drains it.
    private func withShop(
        storage: any OrderStorage, sink: any EventSink = RecordingSink(),
        _ body: (_ url: String, EventEngine) async throws -> Void
    ) async throws {
        let engine = try await EventEngine(
            storage: storage, logger: Fixtures.logger,
            subscriptions: [DataPlatformMessaging(sink: sink, policy: .reference(timeout: .seconds(3))).subscription])
        let shop = Shop(
            engine: engine, placeOrder: PlaceOrder(storage: storage), orders: storage,
            timings: DeliveryTimings(from: .commit, stopwatch: Stopwatch()))
        let server = HTTPServer(ShopAPI(shop: shop, logger: Fixtures.logger).router(), logger: Fixtures.logger)
        try await withServices([server], logger: Fixtures.logger) {
            try await body("http://127.0.0.1:\(try await server.port())", engine)
        }
    }

    @Test("takes an order and shows how far its event has come", arguments: Fixtures.storages)
    func placed(choice: StorageChoice) async throws {
        let store = try await OpenStore(choice, logger: Fixtures.logger)
        try await withShop(storage: store.orders) { url, engine in
            let created = try await send("POST", url + "/orders", body: order)
            #expect(created.status == 201)
            #expect(created.json["total"] as? Int == 7)
            let id = try #require(created.json["id"] as? String)
            #expect(created.headers["location"] == "/orders/\(id)")

            func state() async throws -> String? {
                let answer = try await send("GET", url + "/orders/\(id)")
                #expect(answer.status == 200)
                return (answer.json["delivery"] as? [String: Any])?["state"] as? String
            }
            #expect(try await state() == "pending")
            try await engine.drain()
            #expect(try await state() == "delivered")
        }
        await store.close()
    }

    @Test("does not fail an order because the data platform does")
    func platformDown() async throws {
        struct DownSink: EventSink {
            func send(_ payload: Data, context: DeliveryContext) async throws {
                throw HandlerOutcome.permanent(OrderRejection("down"))
            }
        }
        try await withShop(storage: InMemoryStorage(), sink: DownSink()) { url, engine in
            let created = try await send("POST", url + "/orders", body: order)
            #expect(created.status == 201)
            try await engine.drain()
            let id = try #require(created.json["id"] as? String)
            let delivery = try await send("GET", url + "/orders/\(id)").json["delivery"] as? [String: Any]
            #expect(delivery?["state"] as? String == "deadLettered")
            #expect(delivery?["failedAttempts"] as? Int == 1)
        }
    }

    @Test("answers bad requests with problems")
    func problems() async throws {
        try await withShop(storage: InMemoryStorage()) { url, _ in
            let empty = "{\"customer\":\"\",\"lines\":[]}"
            let cases: [(UInt, String, String)] = [
                (400, "/orders", "nonsense"), (422, "/orders", empty),
                (413, "/orders", String(repeating: "x", count: 70_000)),
            ]
            for (status, path, body) in cases {
                let answer = try await send("POST", url + path, body: body)
                #expect(answer.status == status)
                #expect(answer.headers["content-type"] == "application/problem+json")
                #expect(answer.json["status"] as? UInt == status)
            }
            #expect(try await send("GET", url + "/orders/\(UUID().uuidString)").status == 404)
            #expect(try await send("GET", url + "/orders/nonsense").status == 404)
        }
    }

    @Test("says that the shop takes no orders when the storage is full")
    func full() async throws {
        let storage = InMemoryStorage(configuration: .init(capacity: 1, whenFull: .fail))
        try await withShop(storage: storage) { url, engine in
            #expect(try await send("POST", url + "/orders", body: order).status == 201)
            let refused = try await send("POST", url + "/orders", body: order)
            #expect(refused.status == 503)
            #expect(refused.headers["retry-after"] == "5")
            #expect(refused.json["title"] as? String == "Service Unavailable")
            try await engine.drain()
            #expect(try await send("POST", url + "/orders", body: order).status == 201)
        }
    }
}
#endif

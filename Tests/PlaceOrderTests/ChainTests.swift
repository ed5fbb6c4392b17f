#if Example
import AfterCommit
import AfterCommitTesting
import ArgumentParser
import Foundation
@testable import PlaceOrder
import Testing

@Suite("From the shop through a broker to the data platform")
struct ChainTests {
    /// The platform's side, while `body` runs.
    private func withPlatform(
        from source: any EventSource, _ choice: StorageChoice, _ body: (_ url: String) async throws -> Void
    ) async throws {
        let store = try await OpenStore(choice, logger: Fixtures.logger)
        let storage = store.platform
        try await run(storage, source, body)
        await store.close()
    }

    private func run(
        _ storage: any PlatformStorage, _ source: any EventSource, _ body: (_ url: String) async throws -> Void
    ) async throws {
        let consumer = try EventConsumer("shop-events", from: source, into: storage, logger: Fixtures.logger)
        let engine = try await EventEngine(
            storage: storage, logger: Fixtures.logger, subscriptions: [storage.knownOrders, consumer.unreadable])
        let api = PlatformAPI(storage: storage, engine: engine, consumer: consumer, logger: Fixtures.logger)
        let server = HTTPServer(api.router(), logger: Fixtures.logger)
        try await withServices([engine, consumer, server], logger: Fixtures.logger) {
            try await body("http://127.0.0.1:\(try await server.port())/mock/orders")
        }
    }

    private func counts(_ url: String) async throws -> PlatformAPI.Counts {
        try JSONDecoder().decode(PlatformAPI.Counts.self, from: try await send("GET", url).body)
    }

    private func counts(
        _ url: String, until condition: (PlatformAPI.Counts) -> Bool
    ) async throws -> PlatformAPI.Counts {
        for _ in 0..<3_000 {
            let counts = try await counts(url)
            if condition(counts) { return counts }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("it never came true")
        return try await counts(url)
    }

    @Test("each order is known once, whatever the broker gives out twice", arguments: Fixtures.storages)
    func once(choice: StorageChoice) async throws {
        let broker = InMemoryBroker()
        let shop = InMemoryStorage()
        let relay = try await EventEngine(
            storage: shop, logger: Fixtures.logger,
            subscriptions: [DataPlatformMessaging(sink: broker.sink(), policy: .relay).subscription])
        for _ in 0..<5 { _ = try await PlaceOrder(storage: shop)(Fixtures.request) }
        try await relay.drain()
        // Given out to one who ends before it settles.
        let first = broker.source()
        let messages = try await first.receive(upTo: 5)
        #expect(messages.count == 5)
        await first.close()
        try await withPlatform(from: broker.source(), choice) { url in
            let known = try await counts(url) { $0.orders == 5 && $0.pending == 0 }
            #expect(known.consumer.taken == 5)
            for message in messages {
                broker.publish(
                    ForeignMessage(
                        body: Array(message.body), contentType: message.contentType, attributes: message.attributes,
                        key: message.key))
            }
            let again = try await counts(url) { $0.consumer.duplicates == 5 }
            #expect(again.orders == 5)
            #expect(again.deadLetters == 0)
        }
    }

    @Test("what is no event is a dead letter of the platform, and holds up nothing")
    func unreadable() async throws {
        let broker = InMemoryBroker()
        broker.publish(ForeignMessage(body: Array("hello".utf8)))
        try await withPlatform(from: broker.source(), .memory) { url in
            let counts = try await counts(url) { $0.deadLetters == 1 }
            #expect(counts.orders == 0)
            #expect(broker.count == 0)
        }
    }

    @Test("a broker is named in full or not at all")
    func arguments() throws {
        let store = ["--store", "platform.lmdb"]
        let consumer = try ConsumerCommand.parse(["--from", "rabbitmq", "--broker", "amqp://x"] + store)
        #expect(try consumer.broker.choice() == BrokerChoice(kind: .rabbitmq, url: "amqp://x"))
        #expect(throws: (any Error).self) { try ConsumerCommand.parse(store).broker.choice() }
        for arguments in [["--from", "kafka"], ["--broker", "x"], ["--from", "carrier-pigeon", "--broker", "x"]] {
            #expect(throws: (any Error).self) { try ConsumerCommand.parse(arguments + store).broker.choice() }
        }
        // What it takes would end with it.
        for temporary in [[], ["--storage", "memory"], ["--storage", "status"] + store] {
            #expect(throws: (any Error).self) {
                try ConsumerCommand.parse(["--from", "kafka", "--broker", "x"] + temporary)
            }
        }
        for platform in [["--platform-url", "http://127.0.0.1:1"], ["--platform-latency", "1ms"]] {
            #expect(throws: (any Error).self) {
                try RelayCommand.parse(
                    ["--database", "postgres", "--database-url", "postgresql://x", "--to", "kafka", "--broker", "x"]
                        + platform)
            }
        }
    }
}
#endif

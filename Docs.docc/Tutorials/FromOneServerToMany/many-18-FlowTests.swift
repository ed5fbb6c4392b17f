import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import Testing

@testable import Shop

@Suite struct FlowTests {
    private let broker = InMemoryBroker()
    private let orders = InMemoryStorage()
    private let known = InMemoryStorage()
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func anOrderIsKnownOnTheOtherSide() async throws {
        let relay = try await EventEngine(
            storage: orders, logger: logger, subscriptions: [Relay.subscription(to: broker.sink())])
        let platform = try await Platform(known, from: broker.source(), logger: logger)

        let order = try await PlaceOrder(storage: orders)(total: 42)
        try await relay.drain()
        #expect(broker.count == 1)

        broker.publish(ForeignMessage(body: Array("no event".utf8)))
        let consuming = Task { try await platform.consumer.run() }
        while await platform.consumer.totals.received < 2 || broker.count > 0 { await Task.yield() }
        try await platform.engine.drain()
        consuming.cancel()
        try await consuming.value

        let found = try await known.read { reader in try reader.value(for: order.id, in: Tables.knownOrders) }
        #expect(found?.total == 42)
        let letters = try await platform.engine.deadLetters(DeadLetterQuery())
        #expect(letters.map(\.reason) == [.malformed])
    }
}

import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import Testing

@testable import Shop

struct Unavailable: Error {}

actor FlakyDataPlatform: DataPlatform {
    private(set) var received: [OrderPlaced] = []
    private var failures = 1

    func publish(_ event: OrderPlaced, idempotencyKey: String) throws {
        failures -= 1
        guard failures < 0 else { throw Unavailable() }
        received.append(event)
    }
}

@Suite struct DeliveryTests {
    @Test func anEventReachesAPlatformThatFailsAtFirst() async throws {
        let clock = ManualClock()
        let platform = FlakyDataPlatform()
        let storage = InMemoryStorage(envelopes: EnvelopeFactory(wallClock: clock.wallClock))
        let engine = try await EventEngine(
            storage: storage, logger: Logger(label: "test"), clock: clock, wallClock: clock.wallClock,
            subscriptions: [DataPlatformMessaging(dataPlatform: platform).subscription])
        let running = Task { try await engine.run() }

        _ = try await PlaceOrder(storage: storage)(OrderRequest(total: 42))
        try await engine.waitUntilIdle()
        #expect(await platform.received.isEmpty)

        clock.advance(by: .seconds(1))
        try await engine.waitUntilIdle()
        #expect(await platform.received.map(\.total) == [42])

        running.cancel()
        try await running.value
    }
}

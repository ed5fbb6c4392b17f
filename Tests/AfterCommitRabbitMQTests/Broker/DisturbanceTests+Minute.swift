#if RabbitMQ
import AfterCommit
import AfterCommitLMDB
import AfterCommitRabbitMQ
import Foundation
import Testing
import TestSupport

extension DisturbanceTests {
    /// A minute is what it checks, so a minute it takes.
    @Test("away for a minute: events wait in their storage, nothing dies, and all arrive (fault 32)")
    func awayForAMinute() async throws {
        let queue = try await TestQueue.disturbed()
        let path = NSTemporaryDirectory() + "aftercommit-\(UUID()).lmdb"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let storage = try LMDBStorage(path: path)
        let sink = try queue.sink()
        var policy = DeliveryPolicy.days
        policy.concurrency = 4
        // Due again within the test's time.
        policy.backoff = .constant(.milliseconds(500))
        let endpoint = Endpoint("broker", breaker: CircuitBreakerConfiguration(openDuration: .seconds(1)))
        let engine = try await EventEngine(
            storage: storage, logger: silent,
            subscriptions: [
                Subscription("relay", to: OrderPlaced.self, policy: policy, endpoint: endpoint, sink: sink)
            ])
        let running = Task { try await engine.run() }
        #expect(await sink.send(try Outgoing.events(1)).allSatisfy(\.isSent))
        try await onOwnThread("stop") { try queue.server.stop() }
        let gone = ContinuousClock.now
        var number = 0
        while gone.duration(to: .now) < .seconds(60) {
            try await engine.emit(contentsOf: (number..<number + 100).map { OrderPlaced(number: $0) })
            number += 100
            try await Task.sleep(for: .seconds(1))
        }
        let status = try await engine.status()[0]
        #expect(status.counts.deadLettered == 0)
        #expect(status.counts.undeliveredByRelay == number)
        try await onOwnThread("start") { try queue.server.start() }
        let source = try queue.source()
        var seen: Set<String> = []
        // The one that was sent first, and a batch that was under way when the broker went.
        while seen.count < number + 1 {
            for message in try await source.receive(upTo: 500) {
                seen.insert(try message.cloudEvent().id)
                try await source.settle([MessageSettlement(message.receipt, .accepted)])
            }
        }
        try await engine.drainedByRelay()
        #expect(try await engine.status()[0].counts.deadLettered == 0)
        running.cancel()
        try await running.value
        await sink.close()
        await source.close()
        await storage.close()
    }
}

extension DeliveryCounts {
    fileprivate var undeliveredByRelay: Int { pending + retrying + blocked }
}

extension EventEngine {
    fileprivate func drainedByRelay() async throws {
        _ = try await eventually { try await status()[0].counts.undeliveredByRelay == 0 }
    }
}
#endif

#if Example
import AfterCommit
import Foundation
@testable import PlaceOrder
import Testing

@Suite("End to end over loopback")
struct EndToEndTests {
    @Test("every order reaches the data platform", arguments: Fixtures.storages)
    func run(choice: StorageChoice) async throws {
        let platform = MockDataPlatform()
        let acknowledged = FileManager.default.temporaryDirectory.appending(path: "ids-\(UUID().uuidString)")
        let outcome = try await withPlatform(platform) { url in
            let run = OrderRun(
                configuration: Shop.Configuration(
                    storage: choice, destination: .platform(url: url, timeout: .seconds(30)), logger: Fixtures.logger),
                orders: 20, concurrency: 4,
                acknowledged: try AppendOnlyFile(acknowledged.path(percentEncoded: false)),
                platformStats: { await platform.stats })
            return try await run()
        }
        #expect(outcome.isComplete)
        let report = outcome.report
        #expect(report.storage == choice.storage)
        #expect(report.database == choice.database?.name)
        #expect(report.orders == .init(accepted: 20, rejected: 0))
        #expect(report.deliveries == .init(delivered: 20, deadLettered: 0, pending: 0))
        #expect(report.attempts == .init(total: 20, failed: 0))
        #expect(report.platform == .init(received: 20, distinctOrders: 20, duplicates: 0))
        #expect(report.latencyMs.p50 != nil)
        let ids = try String(contentsOf: acknowledged, encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(await Set(ids) == Set(platform.knownOrders().keys))
        #expect(ids.count == 20)
        try FileManager.default.removeItem(at: acknowledged)
    }

    @Test("a dead letter is an answer too, a lost order is not")
    func deadLetters() async throws {
        // Nothing is at this path of a server that is not the platform: 404 is permanent.
        let platform = MockDataPlatform()
        let outcome = try await withPlatform(platform) { url in
            try await OrderRun(
                configuration: Shop.Configuration(
                    storage: .memory, destination: .platform(url: url + "/elsewhere", timeout: .seconds(30)),
                    logger: Fixtures.logger),
                orders: 5, platformStats: { nil })()
        }
        #expect(outcome.isComplete)
        #expect(outcome.report.deliveries == .init(delivered: 0, deadLettered: 5, pending: 0))
        #expect(outcome.report.platform == .init())
    }
}
#endif

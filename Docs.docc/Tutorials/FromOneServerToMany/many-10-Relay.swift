import AfterCommit
import AfterCommitPostgres
import Logging
import ServiceLifecycle
import UnixSignals

enum Relay {
    static func subscription(to sink: any EventSink) -> Subscription {
        Subscription("relay", to: OrderPlaced.self, policy: .days, start: .beginning, sink: sink)
    }

    static func run(logger: Logger) async throws {
        let storage = try await PostgresStorage.openOrders()
        let engine = try await EventEngine(
            storage: storage, logger: logger, subscriptions: [subscription(to: try Broker.sink(logger: logger))])
        let group = ServiceGroup(services: [engine], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        try await group.run()
        for status in try await engine.status() { print("sent \(status.totals.delivered)") }
        await storage.close()
    }
}

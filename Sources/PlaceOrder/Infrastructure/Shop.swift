#if Example
import AfterCommit
import AfterCommitHTTP
import AsyncHTTPClient
import Logging

/// The shop: its storage, the engine that delivers from it, and the use case.
struct Shop: Sendable {
    let engine: EventEngine
    let placeOrder: PlaceOrder
    let orders: any OrderStorage
    let timings: DeliveryTimings

    struct Configuration: Sendable {
        var storage: StorageChoice
        /// Where the data platform is.
        var platformURL: String
        /// How long the data platform may take to answer.
        var platformTimeout: Duration
        var logger: Logger
    }

    /// Opens the shop for as long as `body` takes.
    static func withShop<R: Sendable>(
        _ configuration: Configuration, latencyFrom start: DeliveryTimings.Start = .commit, stopwatch: Stopwatch,
        _ body: (Shop) async throws -> R
    ) async throws -> R {
        let client = HTTPClient(configuration: .eventDelivery())
        let result: Result<R, any Error>
        do {
            let timings = DeliveryTimings(from: start, stopwatch: stopwatch)
            let platform = try DataPlatformClient(client: client, url: configuration.platformURL, timings: timings)
            let messaging = DataPlatformMessaging(client: platform, timeout: configuration.platformTimeout)
            let store = try await OpenStore(configuration.storage, logger: configuration.logger)
            do {
                let engine = try await EventEngine(
                    storage: store.orders, logger: configuration.logger, subscriptions: [messaging.subscription])
                let shop = Shop(
                    engine: engine, placeOrder: PlaceOrder(storage: store.orders), orders: store.orders,
                    timings: timings)
                result = .success(try await body(shop))
            } catch {
                await store.close()
                throw error
            }
            await store.close()
        } catch {
            try await client.shutdown()
            throw error
        }
        try await client.shutdown()
        return try result.get()
    }
}
#endif

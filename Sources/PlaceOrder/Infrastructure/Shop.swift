#if Example
import AfterCommit
import Logging
import ServiceLifecycle

/// The shop: its storage, the engine that delivers from it, and the use case.
struct Shop: Sendable {
    /// `nil` for a shop that leaves delivery to a relay.
    let engine: EventEngine?
    let placeOrder: PlaceOrder
    let orders: any OrderStorage
    let timings: DeliveryTimings

    struct Configuration: Sendable {
        var storage: StorageChoice
        /// Where the data platform is, or what stands before it.
        var destination: Destination
        var logger: Logger
        /// How long it may be silent as a relay on PostgreSQL; `nil` for the storage's default.
        var lease: Duration?
        /// Whether it delivers its events itself.
        var delivers = true
        /// The platform's URL where a later process can reach it; `nil` for one that ends with this process.
        var lastingPlatformURL: String?
        /// Whether it tells at the start where a temporary store is.
        var tellsTemporaryStore = false
        /// Tells people what is no result.
        var note: @Sendable (String) -> Void = { Output.note($0) }
    }

    /// What runs beside the shop.
    var services: [any Service] { engine.map { [$0] } ?? [] }

    /// Opens the shop for as long as `body` takes. A temporary store with something pending outlives it.
    static func withShop<R: Sendable>(
        _ configuration: Configuration, latencyFrom start: DeliveryTimings.Start = .commit, stopwatch: Stopwatch,
        _ body: (Shop) async throws -> R
    ) async throws -> R {
        let timings = DeliveryTimings(from: start, stopwatch: stopwatch)
        return try await configuration.destination.withMessaging(timings: timings, logger: configuration.logger) {
            messaging in
            let store = try await OpenStore(
                configuration.storage, lease: configuration.lease, logger: configuration.logger)
            if configuration.tellsTemporaryStore, let path = store.temporaryPath {
                configuration.note("temporary store in \(path)")
            }
            let engine: EventEngine?
            do {
                engine =
                    configuration.delivers
                    ? try await EventEngine(
                        storage: store.orders, logger: configuration.logger, subscriptions: [messaging.subscription])
                    : nil
            } catch {
                await store.close()
                throw error
            }
            let shop = Shop(
                engine: engine, placeOrder: PlaceOrder(storage: store.orders), orders: store.orders, timings: timings)
            let result: Result<R, any Error>
            do {
                result = .success(try await body(shop))
            } catch {
                result = .failure(error)
            }
            await close(store, engine, configuration)
            return try result.get()
        }
    }

    private static func close(_ store: OpenStore, _ engine: EventEngine?, _ configuration: Configuration) async {
        // A store that cannot tell may have something pending.
        let pending = engine == nil ? 0 : try? await engine?.status().map(\.counts.undelivered).reduce(0, +)
        await store.close(keepsTemporary: pending != 0)
        guard pending != 0, let options = store.choice.options else { return }
        let count = pending.map { "\($0) deliveries are" } ?? "deliveries may be"
        let command =
            switch configuration.destination {
            // Anything else would settle what nobody behind the broker has got.
            case .broker(let broker): "relay \(options) --to \(broker.kind.rawValue) --broker URL"
            case .platform:
                "resume \(options)" + (configuration.lastingPlatformURL.map { " --platform-url \($0)" } ?? "")
            }
        configuration.note("\(count) pending; deliver with: place-order \(command)")
    }
}

extension DeliveryCounts {
    /// Not settled yet: pending, retrying or blocked.
    var undelivered: Int { pending + retrying + blocked }
}
#endif

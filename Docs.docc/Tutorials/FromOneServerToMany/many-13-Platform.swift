import AfterCommit
import Logging

/// The other side of the broker.
struct Platform: Sendable {
    let consumer: EventConsumer
    let engine: EventEngine

    init(_ storage: some KnownOrderStorage, from source: any EventSource, logger: Logger) async throws {
        consumer = try EventConsumer("platform", from: source, into: storage, logger: logger)
        engine = try await EventEngine(
            storage: storage, logger: logger,
            subscriptions: [
                storage.subscription("known-orders", to: OrderPlaced.self) { event, tx, _ in
                    try tx.know(KnownOrder(id: event.orderID, total: event.total))
                },
                consumer.unreadable,
            ])
    }
}

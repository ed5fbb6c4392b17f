/// Several deliveries of one subscription, handled by one call.
///
/// ```swift
/// Subscription("warehouse", to: OrderPlaced.self, batch: BatchSize(100, within: .milliseconds(20))) { batch in
///     let refused = try await warehouse.load(batch.map(\.event))
///     for index in refused { batch.fail(batch[index], WarehouseError.refused) }
/// }
/// ```
///
/// What the handler throws is the outcome of all that ``fail(_:_:)`` was not called for; when it returns they succeeded.
/// Each delivery is settled by its own outcome, and charged one attempt. The deadline is that of the whole batch.
public struct EventBatch<E: Event>: Sendable {
    /// One of the batch.
    public struct Delivery: Sendable {
        public let event: E
        /// Of this delivery alone: its attempt number, its idempotency key, its headers.
        public let context: DeliveryContext
        let index: Int
    }

    private final class Outcomes: Sendable {
        let errors = Locked<[Int: any Error]>([:])
    }

    private let deliveries: [Delivery]
    private let outcomes = Outcomes()

    init(_ deliveries: [Delivery]) {
        self.deliveries = deliveries
    }

    /// Tells that one delivery failed, as if a handler of its own had thrown `error`; ``HandlerOutcome`` steers it.
    /// A second call for the same delivery replaces the first.
    public func fail(_ delivery: Delivery, _ error: any Error) {
        outcomes.errors.withLock { $0[delivery.index] = error }
    }

    /// What was told of single ones, by their index in the attempt.
    var failures: [Int: any Error] { outcomes.errors.withLock { $0 } }
}

extension EventBatch: RandomAccessCollection {
    public var startIndex: Int { deliveries.startIndex }
    public var endIndex: Int { deliveries.endIndex }
    public subscript(position: Int) -> Delivery { deliveries[position] }
}

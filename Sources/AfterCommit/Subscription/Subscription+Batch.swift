extension Subscription {
    /// Runs a batch and tells an outcome for each of its deliveries, in order.
    package typealias BatchAttempt =
        @concurrent @Sendable (_ coder: any EventCoder, _ contexts: [DeliveryContext]) async -> [AttemptResult]

    /// How a subscription handles several deliveries at once.
    package struct Batching: Sendable {
        package let size: BatchSize
        package let attempt: BatchAttempt
    }

    /// A subscription whose handler gets several deliveries at once.
    ///
    /// A batch holds at most one delivery of each ordering key. It is one call to the endpoint: it takes one place of the
    /// bulkhead and one token of the rate limit, and it is parked as a whole. A breaker's probe is a batch of one.
    /// - Parameters:
    ///   - name: 1 to 100 bytes, unique in an engine.
    ///   - type: the event type.
    ///   - batch: how many deliveries at most, and how long the first may wait for company.
    ///   - policy: how deliveries are tried; `concurrency` is how many batches run at once.
    ///   - endpoint: what the handler talks to, shared by name. Default: an endpoint of its own with the subscription's name.
    ///   - start: where it starts when its name is new. Default: at the next event.
    ///   - onExhausted: called for each dead letter once it is stored: at most once, and not after a crash in between.
    ///   - handler: runs once for each batch, off every actor. What it throws is the outcome of all that
    ///     ``EventBatch/fail(_:_:)`` was not called for. Bytes that are not of the event's type never reach it.
    public init<E: Event>(
        _ name: String,
        to type: E.Type,
        batch: BatchSize,
        policy: DeliveryPolicy = .standard,
        endpoint: Endpoint? = nil,
        start: SubscriptionStart = .now,
        onExhausted: ExhaustionHandler? = nil,
        handler: @escaping @concurrent @Sendable (EventBatch<E>) async throws -> Void
    ) {
        let rules = policy.rules
        self.init(
            name, types: [EventTypePattern(E.type)], policy: policy, endpoint: endpoint, start: start,
            onExhausted: onExhausted,
            batching: Batching(size: batch) { coder, contexts in
                var results = [AttemptResult](repeating: .succeeded, count: contexts.count)
                var deliveries: [EventBatch<E>.Delivery] = []
                for (index, context) in contexts.enumerated() {
                    do {
                        let event = try context.box.envelope.event(E.self, coder: coder)
                        deliveries.append(.init(event: event, context: context, index: index))
                    } catch {
                        results[index] = AttemptResult(thrown: error)
                    }
                }
                guard !deliveries.isEmpty else { return results }
                let batch = EventBatch(deliveries)
                do {
                    try await handler(batch)
                } catch {
                    for delivery in deliveries { results[delivery.index] = AttemptResult(thrown: error, rules: rules) }
                }
                for (index, error) in batch.failures { results[index] = AttemptResult(thrown: error, rules: rules) }
                return results
            })
    }

    static func batching(_ sink: any BatchEventSink, rules: [ErrorRule]) -> Batching {
        Batching(size: sink.batch) { coder, contexts in
            var results = [AttemptResult](repeating: .succeeded, count: contexts.count)
            var events: [OutgoingEvent] = []
            var indices: [Int] = []
            for (index, context) in contexts.enumerated() {
                do {
                    events.append(OutgoingEvent(payload: try context.payload(), context: context))
                    indices.append(index)
                } catch {
                    results[index] = AttemptResult(thrown: error)
                }
            }
            guard !events.isEmpty else { return results }
            let outcomes = await sink.send(events)
            for (place, index) in indices.enumerated() {
                switch place < outcomes.count ? outcomes[place] : .failed(MissingSendOutcome()) {
                case .sent: break
                case .failed(let error): results[index] = AttemptResult(thrown: error, rules: rules)
                }
            }
            return results
        }
    }
}

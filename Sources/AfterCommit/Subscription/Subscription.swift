/// A durable, named handler of one event type, or of a pattern of types.
///
/// ```swift
/// Subscription("data-platform", to: OrderPlaced.self, policy: .http) { event, context in
///     try await dataPlatform.publish(event, idempotencyKey: context.idempotencyKey)
/// }
/// ```
public struct Subscription: Sendable {
    /// Called once a delivery of the subscription is dead: after the dead letter is stored.
    public typealias ExhaustionHandler = @Sendable (DeadLetter) async -> Void

    /// The stable name. Its place in the storage belongs to the name, so renaming starts a new subscription.
    public let name: String
    /// The event types it handles.
    public internal(set) var types: EventTypeSelection
    public let policy: DeliveryPolicy
    /// What its handler talks to.
    public let endpoint: Endpoint
    /// Where it starts when its name is new.
    public let start: SubscriptionStart
    /// What undoes its events' business work once their deliveries are dead, see ``compensated(by:)``.
    public internal(set) var compensations: [Compensation] = []
    package let onExhausted: ExhaustionHandler?

    package typealias Attempt =
        @Sendable (
            _ coder: any EventCoder, _ context: DeliveryContext
        ) async throws -> AttemptResult

    package let attempt: Attempt
    /// Set where its handler gets several deliveries at once; ``attempt`` is then never called.
    package let batching: Batching?

    package init(
        _ name: String, types: Set<EventTypePattern>, policy: DeliveryPolicy, endpoint: Endpoint?,
        start: SubscriptionStart, onExhausted: ExhaustionHandler?, batching: Batching? = nil,
        attempt: @escaping Attempt = { _, _ in
            preconditionFailure("a subscription with batches runs no single attempts")
        }
    ) {
        self.name = name
        self.types = EventTypeSelection(types)
        self.policy = policy
        self.endpoint = endpoint ?? Endpoint(name)
        self.start = start
        self.onExhausted = onExhausted
        self.batching = batching
        self.attempt = attempt
    }

    /// A subscription that calls a handler.
    /// - Parameters:
    ///   - name: 1 to 100 bytes, unique in an engine.
    ///   - type: the event type.
    ///   - policy: how deliveries are tried.
    ///   - endpoint: what the handler talks to, shared by name. Default: an endpoint of its own with the subscription's name.
    ///   - start: where it starts when its name is new. Default: at the next event.
    ///   - onExhausted: called for each dead letter once it is stored: at most once, and not after a crash in between.
    ///   - handler: runs once for each attempt, off every actor.
    public init<E: Event>(
        _ name: String,
        to type: E.Type,
        policy: DeliveryPolicy = .standard,
        endpoint: Endpoint? = nil,
        start: SubscriptionStart = .now,
        onExhausted: ExhaustionHandler? = nil,
        handler: @escaping @concurrent @Sendable (E, DeliveryContext) async throws -> Void
    ) {
        self.init(
            name, types: [EventTypePattern(E.type)], policy: policy, endpoint: endpoint, start: start,
            onExhausted: onExhausted
        ) { coder, context in
            try await handler(context.envelope.event(E.self, coder: coder), context)
            return .succeeded
        }
    }

    /// A subscription to a pattern of event types, such as `order.*`. Its handler asks the context for the event:
    ///
    /// ```swift
    /// Subscription("audit", matching: "order.*") { envelope, context in
    ///     switch envelope.type {
    ///     case OrderPlaced.type: try await audit.placed(context.event(as: OrderPlaced.self))
    ///     default: throw HandlerOutcome.unknownType("\(envelope.type)")
    ///     }
    /// }
    /// ```
    public init(
        _ name: String,
        matching patterns: EventTypePattern...,
        policy: DeliveryPolicy = .standard,
        endpoint: Endpoint? = nil,
        start: SubscriptionStart = .now,
        onExhausted: ExhaustionHandler? = nil,
        handler: @escaping @concurrent @Sendable (Envelope, DeliveryContext) async throws -> Void
    ) {
        self.init(
            name, types: Set(patterns), policy: policy, endpoint: endpoint, start: start, onExhausted: onExhausted
        ) { _, context in
            try await handler(context.envelope, context)
            return .succeeded
        }
    }

    /// A subscription that sends its events on, as they are stored; to a ``BatchEventSink`` in batches.
    public init<E: Event>(
        _ name: String,
        to type: E.Type,
        policy: DeliveryPolicy = .standard,
        endpoint: Endpoint? = nil,
        start: SubscriptionStart = .now,
        onExhausted: ExhaustionHandler? = nil,
        sink: any EventSink
    ) {
        self.init(
            name, matching: EventTypePattern(E.type), policy: policy, endpoint: endpoint, start: start,
            onExhausted: onExhausted, sink: sink)
    }

    /// A subscription that sends the events of a pattern of types on, as they are stored.
    public init(
        _ name: String,
        matching patterns: EventTypePattern...,
        policy: DeliveryPolicy = .standard,
        endpoint: Endpoint? = nil,
        start: SubscriptionStart = .now,
        onExhausted: ExhaustionHandler? = nil,
        sink: any EventSink
    ) {
        self.init(
            name, types: Set(patterns), policy: policy, endpoint: endpoint, start: start, onExhausted: onExhausted,
            batching: (sink as? any BatchEventSink).map { Self.batching($0, rules: policy.rules) }
        ) { _, context in
            try await sink.send(context.payload(), context: context)
            return .succeeded
        }
    }
}

/// Stored bytes that are not of the subscription's event type.
package struct MalformedPayload: Error {
    package let reason: String
}

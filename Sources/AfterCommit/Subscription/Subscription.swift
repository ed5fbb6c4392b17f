/// A durable, named handler of one event type.
///
/// ```swift
/// Subscription("data-platform", to: OrderPlaced.self, policy: .http) { event, context in
///     try await dataPlatform.publish(event, idempotencyKey: context.idempotencyKey)
/// }
/// ```
public struct Subscription: Sendable {
    /// The stable name. Its place in the storage belongs to the name, so renaming starts a new subscription.
    public let name: String
    /// The event type it handles.
    public let type: EventType
    public let policy: DeliveryPolicy
    /// What its handler talks to.
    public let endpoint: Endpoint

    package typealias Attempt =
        @concurrent @Sendable (
            _ coder: any EventCoder, _ context: DeliveryContext
        ) async throws -> Void

    package let attempt: Attempt
    /// Set where its handler gets several deliveries at once; ``attempt`` is then never called.
    package let batching: Batching?

    init(_ name: String, type: EventType, policy: DeliveryPolicy, endpoint: Endpoint?, batching: Batching) {
        self.name = name
        self.type = type
        self.policy = policy
        self.endpoint = endpoint ?? Endpoint(name)
        self.batching = batching
        attempt = { _, _ in preconditionFailure("a subscription with batches runs no single attempts") }
    }

    /// A subscription that calls a handler.
    /// - Parameters:
    ///   - name: 1 to 100 bytes, unique in an engine.
    ///   - type: the event type.
    ///   - policy: how deliveries are tried.
    ///   - endpoint: what the handler talks to, shared by name. Default: an endpoint of its own with the subscription's name.
    ///   - handler: runs once for each attempt, off every actor.
    public init<E: Event>(
        _ name: String,
        to type: E.Type,
        policy: DeliveryPolicy = .standard,
        endpoint: Endpoint? = nil,
        handler: @escaping @concurrent @Sendable (E, DeliveryContext) async throws -> Void
    ) {
        self.name = name
        self.type = E.type
        self.policy = policy
        self.endpoint = endpoint ?? Endpoint(name)
        batching = nil
        attempt = { coder, context in
            try await handler(Self.event(in: context.box, coder: coder), context)
        }
    }

    /// A subscription that sends its events on, as they are stored; to a ``BatchEventSink`` in batches.
    public init<E: Event>(
        _ name: String,
        to type: E.Type,
        policy: DeliveryPolicy = .standard,
        endpoint: Endpoint? = nil,
        sink: any EventSink
    ) {
        self.name = name
        self.type = E.type
        self.policy = policy
        self.endpoint = endpoint ?? Endpoint(name)
        batching = (sink as? any BatchEventSink).map { Self.batching($0) }
        attempt = { _, context in
            try await sink.send(context.payload(), context: context)
        }
    }

    /// A cast to the very type, without the search for conformances and bridges that `as?` makes for each delivery.
    private static func exactly<Stored: Event, E: Event>(_ event: Stored, _ type: E.Type) -> E? {
        guard Stored.self == E.self else { return nil }
        // The two are one type, so that the memory is an E.
        return withUnsafePointer(to: event) { UnsafeRawPointer($0).assumingMemoryBound(to: E.self).pointee }
    }

    static func event<E: Event>(
        in box: EnvelopeBox, coder: any EventCoder
    ) throws(MalformedPayload) -> E {
        switch box.envelope.payload {
        case .value(let event):
            if let event = exactly(event, E.self) { return event }
            throw MalformedPayload(reason: "a \(Swift.type(of: event)) was emitted as \(box.envelope.type)")
        case .bytes(let bytes):
            do {
                return try coder.decode(E.self, from: bytes)
            } catch {
                throw MalformedPayload(reason: String(describing: error))
            }
        }
    }
}

/// Stored bytes that are not of the subscription's event type.
package struct MalformedPayload: Error {
    package let reason: String
}

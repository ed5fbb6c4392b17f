/// A handler that undoes business work once a delivery is dead: it cancels the order that cannot be processed.
///
/// ```swift
/// Subscription("data-platform", to: OrderPlaced.self, policy: .http) { event, context in
///     try await dataPlatform.publish(event, idempotencyKey: context.idempotencyKey)
/// }
/// .compensated(
///     by: Compensation("cancel-order", of: OrderPlaced.self) { event, context in
///         try await orders.cancel(event.orderID, idempotencyKey: context.idempotencyKey)
///     })
/// ```
///
/// It is an event of its own, stored in the commit that makes the dead letter: both are there or neither. A subscription of
/// its own delivers it, with its own name, place, policy and endpoint, its retries and its dead letters; it is not compensated
/// in turn. For effects that happen once use ``TransactionalStorage/compensation(_:of:reasons:policy:endpoint:onExhausted:handler:)``
/// or the inbox.
///
/// An event is compensated once for each compensation within the deduplication window of 7 days, also where its dead letter is
/// redriven and dies again.
public struct Compensation: Sendable {
    /// Which dead letters it undoes.
    public let reasons: Set<DeadLetter.Reason>
    /// The types of events whose dead letters it undoes.
    public let types: EventTypeSelection
    /// The subscription that delivers it: to events of the type ``eventType(of:)``.
    public let subscription: Subscription

    /// A compensation that calls a handler.
    /// - Parameters:
    ///   - name: stable, 1 to 100 bytes, unique among the subscriptions of an engine, without a star. Its place in the storage
    ///     belongs to it.
    ///   - type: the type of events whose dead letters it undoes.
    ///   - reasons: which dead letters it undoes. Default: those whose attempts are spent, and those of which the handler said
    ///     that trying again cannot help. `expired`, `crashLoop` and `cancelled` by choice alone: nobody knows then whether
    ///     the work was done, or a person has decided. An engine refuses `malformed`: there is no event to undo.
    ///   - policy: how it is tried.
    ///   - endpoint: what it talks to, shared by name. Default: an endpoint of its own with the compensation's name.
    ///   - onExhausted: called for each dead letter of its own once it is stored, as a subscription's.
    ///   - handler: gets the event whose delivery is dead. Its context is the compensation's: an id and an idempotency key of
    ///     its own, the event's headers, its id as `causationid`, the dead delivery as `deadletter` and why it is dead as
    ///     `deadletterreason`.
    public init<E: Event>(
        _ name: String,
        of type: E.Type,
        reasons: Set<DeadLetter.Reason> = [.exhausted, .permanent],
        policy: DeliveryPolicy = .standard,
        endpoint: Endpoint? = nil,
        onExhausted: Subscription.ExhaustionHandler? = nil,
        handler: @escaping @concurrent @Sendable (E, DeliveryContext) async throws -> Void
    ) {
        self.init(
            Subscription(
                name, to: type, policy: policy, endpoint: endpoint, onExhausted: onExhausted, handler: handler),
            reasons: reasons)
    }

    /// A compensation by a subscription of any kind: to a sink, in batches, to a pattern of types.
    ///
    /// ```swift
    /// Compensation(Subscription("tell-support", matching: "order.*", sink: supportQueue))
    /// ```
    /// - Parameters:
    ///   - subscription: how it is delivered. Its types say whose dead letters it undoes; it gets no others of their events.
    ///     What reaches it is of the type ``eventType(of:)``.
    ///   - reasons: which dead letters it undoes. Default: `exhausted` and `permanent`.
    public init(_ subscription: Subscription, reasons: Set<DeadLetter.Reason> = [.exhausted, .permanent]) {
        self.reasons = reasons
        types = subscription.types
        var own = subscription
        own.types = [EventTypePattern(Self.eventType(of: subscription.name))]
        self.subscription = own
    }

    /// The name of its subscription.
    public var name: String { subscription.name }
}

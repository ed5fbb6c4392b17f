extension TransactionalStorage {
    /// A compensation whose handler runs inside the transaction that settles it: what it writes and emits in this storage and
    /// the settlement are one commit, so that its effects happen once.
    ///
    /// ```swift
    /// .compensated(
    ///     by: storage.compensation("cancel-order", of: OrderPlaced.self) { event, tx, context in
    ///         try tx.cancelOrder(event.orderID)
    ///     })
    /// ```
    /// - Parameters:
    ///   - name: as that of any ``Compensation``.
    ///   - type: the type of events whose dead letters it undoes.
    ///   - reasons: which dead letters it undoes. Default: `exhausted` and `permanent`.
    ///   - policy: how it is tried.
    ///   - endpoint: shared by name. Default: an endpoint of its own with the compensation's name.
    ///   - onExhausted: called for each dead letter of its own once it is stored.
    ///   - handler: synchronous, and may run more than once before its commit. It gets the event whose delivery is dead, the
    ///     transaction and the attempt's context; emit with the transaction.
    public func compensation<E: Event>(
        _ name: String,
        of type: E.Type,
        reasons: Set<DeadLetter.Reason> = [.exhausted, .permanent],
        policy: DeliveryPolicy = .standard,
        endpoint: Endpoint? = nil,
        onExhausted: Subscription.ExhaustionHandler? = nil,
        handler: @escaping @Sendable (E, Transaction, DeliveryContext) throws -> Void
    ) -> Compensation {
        Compensation(
            subscription(
                name, to: type, policy: policy, endpoint: endpoint, onExhausted: onExhausted, handler: handler),
            reasons: reasons)
    }
}

extension TransactionalStorage {
    /// A subscription whose handler runs inside the transaction that settles its delivery: what it writes and emits in this
    /// storage and the settlement are one commit, so its effects happen once.
    ///
    /// ```swift
    /// storage.subscription("ledger", to: OrderPlaced.self) { event, tx, context in
    ///     try tx.insert(LedgerEntry(order: event.orderID, amount: event.total))
    /// }
    /// ```
    ///
    /// The handler is synchronous, and may run more than once before its commit, as every transaction's body. An attempt
    /// that outlives its deadline before its turn in the storage never runs. One that outlives it while it runs is committed
    /// where nothing was recorded of the delivery yet, and undone otherwise: the two never disagree.
    /// - Parameters:
    ///   - name: 1 to 100 bytes, unique in an engine.
    ///   - type: the event type.
    ///   - policy: how deliveries are tried.
    ///   - endpoint: shared by name. Default: an endpoint of its own with the subscription's name.
    ///   - start: where it starts when its name is new. Default: at the next event.
    ///   - onExhausted: called for each dead letter once it is stored: at most once, and not after a crash in between.
    ///   - handler: gets the event, the transaction and the attempt's context; emit with the transaction.
    public func subscription<E: Event>(
        _ name: String,
        to type: E.Type,
        policy: DeliveryPolicy = .standard,
        endpoint: Endpoint? = nil,
        start: SubscriptionStart = .now,
        onExhausted: Subscription.ExhaustionHandler? = nil,
        handler: @escaping @Sendable (E, Transaction, DeliveryContext) throws -> Void
    ) -> Subscription {
        Subscription(
            name, types: [EventTypePattern(E.type)], policy: policy, endpoint: endpoint, start: start,
            onExhausted: onExhausted
        ) { coder, context in
            let event = try context.envelope.event(E.self, coder: coder)
            let transactional = context.ofTransaction
            // One that was settled already needs nothing more.
            _ = try await self.transaction(settling: context.delivery) { tx in
                try handler(event, tx, transactional)
            }
            return .settled
        }
    }
}

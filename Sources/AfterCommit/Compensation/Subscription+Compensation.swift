extension Subscription {
    /// The subscription with a compensation: what undoes its events' business work once their deliveries are dead.
    ///
    /// ```swift
    /// storage.subscription("ledger", to: OrderPlaced.self) { event, tx, context in ... }
    ///     .compensated(by: storage.compensation("cancel-order", of: OrderPlaced.self) { event, tx, context in ... })
    /// ```
    ///
    /// A second call adds another compensation, for another type of a pattern's or for other reasons. Redriving a dead letter
    /// does the work that was undone once more: delete it instead, or let the handler look whether the work still stands.
    ///
    /// An engine refuses a compensation of event types that the subscription never gets, and one in a status column, which
    /// has no place for a second event.
    public func compensated(by compensation: Compensation) -> Self {
        var compensated = self
        compensated.compensations.append(compensation)
        return compensated
    }
}

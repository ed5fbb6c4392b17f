/// The right to emit, synchronously: a transaction has it, and a recorder in a test.
///
/// What it takes is delivered if and only if its transaction commits.
public protocol EventEmitter {
    /// Emits one event.
    /// - Parameters:
    ///   - event: the event.
    ///   - headers: CloudEvents extension attributes to send along; names of `[a-z0-9]`, at most 20 characters,
    ///     none that the envelope has itself.
    /// - Returns: the event's id, the same on every delivery.
    /// - Throws: ``EmitError`` for an event that cannot be stored; ``StorageError`` for a storage that cannot take it.
    @discardableResult
    func emit<E: Event>(_ event: E, headers: [String: String]) throws -> EventID
}

extension EventEmitter {
    /// Emits one event without headers.
    @discardableResult
    public func emit<E: Event>(_ event: E) throws -> EventID {
        try emit(event, headers: [:])
    }

    /// Emits several events, in order.
    @discardableResult
    public func emit<E: Event>(
        contentsOf events: some Sequence<E>, headers: [String: String] = [:]
    ) throws -> [EventID] {
        try events.map { try emit($0, headers: headers) }
    }
}

public import Foundation

/// The right to emit, synchronously: a transaction has it, a handler's context, and a recorder in a test.
///
/// What a transaction takes is delivered if and only if it commits.
public protocol EventEmitter {
    /// Emits one event.
    /// - Parameters:
    ///   - event: the event.
    ///   - options: headers, a delay, a deduplication key.
    /// - Returns: the event's id, the same on every delivery; the first one's, where its deduplication key was used before.
    /// - Throws: ``EmitError`` for an event that cannot be stored; ``StorageError`` for a storage that cannot take it.
    @discardableResult
    func emit<E: Event>(_ event: E, options: EmitOptions) throws -> EventID
}

extension EventEmitter {
    /// Emits one event.
    @discardableResult
    public func emit<E: Event>(_ event: E, headers: [String: String] = [:]) throws -> EventID {
        try emit(event, options: EmitOptions(headers: headers))
    }

    /// Emits one event that is not delivered before `date`.
    @discardableResult
    public func emit<E: Event>(_ event: E, at date: Date, headers: [String: String] = [:]) throws -> EventID {
        try emit(event, options: EmitOptions(headers: headers, deliverAt: date))
    }

    /// Emits one event once, however often it is emitted with this key within the storage's window.
    @discardableResult
    public func emit<E: Event>(
        _ event: E, deduplicationKey: String, headers: [String: String] = [:]
    ) throws -> EventID {
        try emit(event, options: EmitOptions(headers: headers, deduplicationKey: deduplicationKey))
    }

    /// Emits several events, in order.
    @discardableResult
    public func emit<E: Event>(
        contentsOf events: some Sequence<E>, headers: [String: String] = [:]
    ) throws -> [EventID] {
        let options = EmitOptions(headers: headers)
        return try events.map { try emit($0, options: options) }
    }
}

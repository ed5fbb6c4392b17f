public import Foundation

extension EventEngine {
    /// Emits an event outside a business transaction; it is durable when this returns, where the storage is durable.
    /// It waits, or throws, while the storage is full. Inside a transaction use the transaction's own `emit`.
    /// - Returns: the event's id; the first one's, where its deduplication key was used before.
    @discardableResult
    public nonisolated func emit<E: Event>(_ event: E, options: EmitOptions) async throws -> EventID {
        try await storage.emit(event, options: options)
    }

    /// Emits an event outside a business transaction, as ``emit(_:options:)`` does.
    @discardableResult
    public nonisolated func emit<E: Event>(
        _ event: E, headers: [String: String] = [:]
    ) async throws -> EventID {
        try await storage.emit(event, options: EmitOptions(headers: headers))
    }

    /// Emits an event that is not delivered before `date`.
    @discardableResult
    public nonisolated func emit<E: Event>(
        _ event: E, at date: Date, headers: [String: String] = [:]
    ) async throws -> EventID {
        try await storage.emit(event, options: EmitOptions(headers: headers, deliverAt: date))
    }

    /// Emits an event once, however often it is emitted with this key within the storage's window of 7 days.
    @discardableResult
    public nonisolated func emit<E: Event>(
        _ event: E, deduplicationKey: String, headers: [String: String] = [:]
    ) async throws -> EventID {
        try await storage.emit(
            event, options: EmitOptions(headers: headers, deduplicationKey: deduplicationKey))
    }

    /// Emits several events in one commit, in order.
    @discardableResult
    public nonisolated func emit<E: Event>(
        contentsOf events: some Sequence<E>, headers: [String: String] = [:]
    ) async throws -> [EventID] {
        try await storage.emit(contentsOf: Array(events), options: EmitOptions(headers: headers))
    }

    /// Runs a transaction that lives elsewhere, in a database this engine knows nothing of, and emits after it.
    ///
    /// Room for the events is reserved first, so that a full storage stops the work before it is done. Once `body` has
    /// returned they are stored; when it throws, none is.
    ///
    /// ```swift
    /// try await engine.afterCommit { emitter in
    ///     try await database.transaction { connection in
    ///         try await order.save(on: connection)
    ///         try emitter.emit(OrderPlaced(orderID: order.id))
    ///     }
    /// }
    /// ```
    ///
    /// - Important: A crash between the other transaction's commit and the storing of the events loses them: this is the one
    ///   place where it can happen. Where that must not be, keep the rows in a storage of this package, or emit with a
    ///   deduplication key and run the same work again after a crash.
    /// - Parameters:
    ///   - count: for how many events room is reserved. Default 16. Emitting more throws.
    ///   - body: the work; the emitter is of use until it returns.
    /// - Throws: ``StorageError`` with `storageFull` where there is no room; what `body` threw; a ``StorageError`` after the
    ///   work was done, where the events could not be stored.
    @discardableResult
    public nonisolated func afterCommit<R: Sendable>(
        reserving count: Int = 16, _ body: @Sendable (ScopedEmitter) async throws -> R
    ) async throws -> R {
        let reservation = try await storage.reserveRoom(for: count)
        let emitter = ScopedEmitter(envelopes: storage.envelopes, limit: count)
        let result: R
        do {
            result = try await body(emitter)
        } catch {
            _ = emitter.close()
            storage.cancel(reservation)
            throw error
        }
        try await storage.emit(emitter.close(), into: reservation)
        return result
    }
}

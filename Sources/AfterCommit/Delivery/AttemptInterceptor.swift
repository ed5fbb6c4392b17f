/// Wraps every attempt of an engine: for context values, timing, a unit of work, or to skip a handler.
///
/// ```swift
/// struct TenantScope: AttemptInterceptor {
///     func attempt(_ deliveries: [DeliveryContext], next: Next) async throws {
///         try await Tenant.$current.withValue(deliveries.first?.headers["tenant"]) { try await next() }
///     }
/// }
/// ```
public protocol AttemptInterceptor: Sendable {
    /// Runs the rest of the chain, at last the handler, and throws what it threw. A batch handler throws nothing here:
    /// its outcomes are each delivery's own.
    typealias Next = @concurrent @Sendable () async throws -> Void

    /// Runs for each attempt, under its deadline. Call `next` to go on; throw to fail the attempt, a ``HandlerOutcome`` to
    /// steer it. One that returns without calling `next` has handled the events itself.
    ///
    /// - Important: What counts is what this throws. One that catches the handler's error and returns makes the attempt of
    ///   a single delivery succeed, and the event is never tried again: log or map an error, then throw it on.
    /// - Parameters:
    ///   - deliveries: one, or those of a batch.
    ///   - next: the rest of the chain.
    @concurrent
    func attempt(_ deliveries: [DeliveryContext], next: Next) async throws
}

import Synchronization

/// Wraps every attempt of an engine: for context values, timing, a unit of work, or to skip a handler.
///
/// ```swift
/// struct TenantScope: AttemptInterceptor {
///     func attempt(_ context: DeliveryContext, next: Next) async throws {
///         try await Tenant.$current.withValue(context.headers["tenant"]) { try await next() }
///     }
/// }
/// ```
public protocol AttemptInterceptor: Sendable {
    /// Runs the rest of the chain, at last the handler, and throws what it threw.
    typealias Next = @concurrent @Sendable () async throws -> Void

    /// Runs for each attempt, under its deadline. Call `next` to go on; throw to fail the attempt, a ``HandlerOutcome`` to
    /// steer it. One that returns without calling `next` has handled the event itself.
    @concurrent
    func attempt(_ context: DeliveryContext, next: Next) async throws
}

/// What the handler at the end of a chain came to.
final class AttemptOutcome: Sendable {
    let result = Mutex<AttemptResult?>(nil)
}

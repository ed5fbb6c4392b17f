/// Looks at every event before it is stored: adds headers such as a tenant or a correlation id, or refuses it.
///
/// ```swift
/// struct TenantHeader: EmitInterceptor {
///     func willEmit(_ event: any Event, options: inout EmitOptions) throws {
///         options.headers["tenant"] = Tenant.current?.id
///     }
/// }
/// let envelopes = EnvelopeFactory(interceptors: [TenantHeader()])
/// ```
public protocol EmitInterceptor: Sendable {
    /// Runs synchronously, inside the transaction that emits; interceptors run in the order they were given.
    /// - Throws: to refuse the event; the emitter, and its transaction, get an ``EmitError`` that says why.
    func willEmit(_ event: any Event, options: inout EmitOptions) throws
}

/// Says what an error of a handler means for its delivery, so that handlers can throw their own errors.
///
/// ```swift
/// policy.rules = [
///     .on(OrderGone.self) { .discard("order \($0.id) is gone") },
///     .on(QuotaExceeded.self) { .retry(after: $0.retryAfter) },
///     .on(ValidationError.self) { .permanent($0) },
/// ]
/// ```
///
/// The first rule that matches decides. A ``HandlerOutcome`` that a handler throws itself is not asked about.
public struct ErrorRule: Sendable {
    package let outcome: @Sendable (any Error) -> HandlerOutcome?

    /// A rule for one type of error.
    public static func on<E: Error>(
        _ type: E.Type, _ outcome: @escaping @Sendable (E) -> HandlerOutcome
    ) -> Self {
        Self { error in (error as? E).map(outcome) }
    }

    /// A rule that looks at every error; `nil` leaves it to the next one.
    public static func matching(_ outcome: @escaping @Sendable (any Error) -> HandlerOutcome?) -> Self {
        Self(outcome: outcome)
    }
}

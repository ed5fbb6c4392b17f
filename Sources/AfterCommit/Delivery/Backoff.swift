/// How long to wait before a retry.
public struct Backoff: Sendable {
    private let delay: @Sendable (_ retry: Int, _ random: inout any RandomNumberGenerator & Sendable) -> Duration

    /// A delay that grows by `factor` from `base` up to `cap`, with equal jitter: half of it is fixed, half random
    /// (AWS Architecture Blog, "Exponential Backoff and Jitter", 2015).
    public static func exponential(base: Duration, factor: Double, cap: Duration) -> Self {
        Self { retry, random in
            var full = base
            for _ in 1..<max(1, retry) {
                full = full * factor
                if full >= cap { break }
            }
            full = min(full, cap)
            return full / 2 + (full / 2) * Double.random(in: 0...1, using: &random)
        }
    }

    /// The same delay each time, without jitter.
    public static func constant(_ delay: Duration) -> Self {
        Self { _, _ in delay }
    }

    /// A delay of your own.
    /// - Parameter delay: is given the retry's number, from 1.
    public static func custom(_ delay: @escaping @Sendable (_ retry: Int) -> Duration) -> Self {
        Self { retry, _ in delay(retry) }
    }

    package func delay(
        beforeRetry retry: Int, random: inout any RandomNumberGenerator & Sendable
    ) -> Duration {
        max(.zero, delay(retry, &random))
    }
}

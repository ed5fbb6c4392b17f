/// How a subscription's deliveries are tried.
public struct DeliveryPolicy: Sendable {
    /// How often a failed delivery is tried again; 3 means 4 attempts. Default 3.
    public var maxRetries: Int
    /// How long to wait before each retry. Default 1, 2, 4 s with equal jitter.
    public var backoff: Backoff
    /// How long one attempt may take. Default 30 s.
    public var timeout: Duration
    /// How many attempts run at once. Default 16.
    public var concurrency: Int
    /// What becomes of an ordering key whose delivery is dead. Default ``KeyExhaustion/block``.
    public var whenKeyExhausted: KeyExhaustion
    /// About how many deliveries may wait behind others of their key before the subscription waits as a whole: those
    /// claimed at one time come on top. Default 10,000.
    public var maxBlocked: Int

    public init(
        maxRetries: Int = 3,
        backoff: Backoff = .exponential(base: .seconds(1), factor: 2, cap: .seconds(4)),
        timeout: Duration = .seconds(30),
        concurrency: Int = 16,
        whenKeyExhausted: KeyExhaustion = .block,
        maxBlocked: Int = 10_000
    ) {
        self.maxRetries = maxRetries
        self.backoff = backoff
        self.timeout = timeout
        self.concurrency = concurrency
        self.whenKeyExhausted = whenKeyExhausted
        self.maxBlocked = maxBlocked
    }

    /// The default values.
    public static let standard = DeliveryPolicy()

    /// The reference flow's: 3 s for an attempt, 3 retries after 1, 2 and 4 s.
    /// Webhooks to strangers want longer ones; Standard Webhooks advises 15 to 30 s and days of retries.
    public static let http = DeliveryPolicy(timeout: .seconds(3))

    /// How many attempts a delivery has.
    public var maxAttempts: Int { maxRetries + 1 }

    /// What becomes of later deliveries of an ordering key when one is dead.
    public enum KeyExhaustion: Sendable, Hashable {
        /// They wait until a person redrives or deletes the dead letter: who sets a key asked for order.
        case block
        /// They go on without it.
        case skip
    }
}

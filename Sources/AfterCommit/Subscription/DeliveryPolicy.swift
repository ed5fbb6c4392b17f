/// How a subscription's deliveries are tried.
public struct DeliveryPolicy: Sendable {
    /// How often a failed delivery is tried again; 3 means 4 attempts. Default 3.
    public var maxRetries: Int
    /// How long to wait before each retry. Default 1, 2, 4 s with equal jitter.
    public var backoff: Backoff
    /// How long one attempt may take. Default 30 s.
    public var timeout: Duration
    /// What the attempts of a delivery and the waits between them may take in all. Once it is spent a further failure makes
    /// a dead letter that is `expired`. Time spent parked or blocked does not count. Default 24 hours.
    public var budget: Duration
    /// How many attempts run at once. Default 16.
    public var concurrency: Int
    /// What becomes of an ordering key whose delivery is dead. Default ``KeyExhaustion/block``.
    public var whenKeyExhausted: KeyExhaustion
    /// About how many deliveries may wait behind others of their key before the subscription waits as a whole: those
    /// claimed at one time come on top. Default 10,000.
    public var maxBlocked: Int
    /// What the errors of handlers mean; the first that matches decides. Default none: every error is a failed attempt.
    public var rules: [ErrorRule]

    public init(
        maxRetries: Int = 3,
        backoff: Backoff = .exponential(base: .seconds(1), factor: 2, cap: .seconds(4)),
        timeout: Duration = .seconds(30),
        budget: Duration = .seconds(86_400),
        concurrency: Int = 16,
        whenKeyExhausted: KeyExhaustion = .block,
        maxBlocked: Int = 10_000,
        rules: [ErrorRule] = []
    ) {
        self.maxRetries = maxRetries
        self.backoff = backoff
        self.timeout = timeout
        self.budget = budget
        self.concurrency = concurrency
        self.whenKeyExhausted = whenKeyExhausted
        self.maxBlocked = maxBlocked
        self.rules = rules
    }

    /// The default values.
    public static let standard = DeliveryPolicy()

    /// The reference flow's: 3 s for an attempt, 3 retries after 1, 2 and 4 s.
    /// Webhooks to strangers want longer ones; Standard Webhooks advises 15 to 30 s and days of retries.
    public static let http = DeliveryPolicy(timeout: .seconds(3))

    /// For receivers that may be away for days: 20 attempts over about 3 days (2 to 4, by the jitter), 30 s each,
    /// first after 15 s, at last every 12 hours.
    public static let days = DeliveryPolicy(
        maxRetries: 19, backoff: .exponential(base: .seconds(15), factor: 2, cap: .seconds(43_200)),
        budget: .seconds(5 * 86_400))

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

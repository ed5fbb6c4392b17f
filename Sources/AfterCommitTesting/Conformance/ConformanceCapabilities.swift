/// What a storage claims to do. A case that needs more does not run on it.
public struct ConformanceCapabilities: OptionSet, Sendable, Hashable {
    public let rawValue: Int

    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// What was acknowledged survives the end of the process.
    public static let durable = Self(rawValue: 1 << 0)
    /// It can be made so small that a test fills it.
    public static let limited = Self(rawValue: 1 << 1)
    /// A full one makes emitters wait instead of failing.
    public static let suspendsWhenFull = Self(rawValue: 1 << 2)
    /// Dead letters are bounded; the oldest fall out.
    public static let boundsDeadLetters = Self(rawValue: 1 << 3)
    /// What waits behind its ordering key is bounded; past the bound the subscription waits. Where a storage orders keys
    /// itself, such a bound has no use.
    public static let boundsBlocked = Self(rawValue: 1 << 4)
    /// Several subscriptions have their places in it, side by side.
    public static let manySubscriptions = Self(rawValue: 1 << 5)
    /// Events of any type are emitted, and subscriptions match types by patterns.
    public static let manyEventTypes = Self(rawValue: 1 << 6)
    /// Events have a moment before which they are not delivered.
    public static let delayedEvents = Self(rawValue: 1 << 7)
    /// Events are emitted under deduplication keys, and under ids of the caller's.
    public static let deduplication = Self(rawValue: 1 << 8)
    /// Events need no row: engines and storages emit, and scopes do, for which room is reserved.
    public static let emitsWithoutRows = Self(rawValue: 1 << 9)
    /// Handlers emit with their context.
    public static let handlersEmit = Self(rawValue: 1 << 10)
    /// Subscriptions start at the beginning of what is kept, and those that are gone are reported.
    public static let replay = Self(rawValue: 1 << 11)
    /// Deliveries stay listed for a time once they are delivered.
    public static let keepsHistory = Self(rawValue: 1 << 12)
    /// The last 10 failures of a delivery are kept. Every storage keeps the last one.
    public static let keepsFailures = Self(rawValue: 1 << 13)
    /// Headers are kept with their event, the trace context among them.
    public static let keepsHeaders = Self(rawValue: 1 << 14)
    /// Envelopes are stored as they are, whatever their payload says and whichever version wrote it.
    public static let storesForeignBytes = Self(rawValue: 1 << 15)
    /// Events are rebuilt from rows that have a status: the suite writes each event's row in the transaction that emits it.
    public static let statusColumn = Self(rawValue: 1 << 16)

    /// What every outbox does. Say beside it what else a storage does.
    public static let outbox: Self = [
        .manySubscriptions, .manyEventTypes, .delayedEvents, .deduplication, .emitsWithoutRows, .handlersEmit, .replay,
        .keepsHistory, .keepsFailures, .keepsHeaders, .storesForeignBytes,
    ]
}

/// A subscription as a storage knows it.
public struct SubscriptionRegistration: Sendable, Hashable {
    public let name: String
    /// The event types it handles.
    public let types: EventTypeSelection
    /// Where it starts when it is new.
    public let start: SubscriptionStart
    /// Whether what was parked as ``ParkReason/unknownType`` is due again: not where the same engine attaches once more,
    /// which knows no more than before. Default true.
    public let retriesParked: Bool

    public init(
        name: String, types: EventTypeSelection, start: SubscriptionStart = .now, retriesParked: Bool = true
    ) {
        self.retriesParked = retriesParked
        self.name = name
        self.types = types
        self.start = start
    }
}

/// Where a new subscription starts. One that has its place goes on there.
public enum SubscriptionStart: Sendable, Hashable {
    /// At the next event.
    case now
    /// At the oldest event that the storage's retention has kept.
    case beginning
}

/// What a subscription must know of its stored deliveries to go on.
public struct SubscriptionPlace: Sendable {
    /// Keys that have a retrying or dead delivery, or blocked ones.
    public var orderedKeys: [OrderedKey]
    /// What was in flight when the last process died, for storages that know.
    public var suspects: [Suspect]

    public struct OrderedKey: Sendable, Hashable {
        public var key: String
        /// The first delivery of the key that is retrying, if one is.
        public var retrying: UInt64?
        /// The delivery of the key that is a dead letter and blocks it, if one does.
        public var dead: UInt64?
        /// How many deliveries are stored as blocked.
        public var blocked: Int
        /// The first of those.
        public var firstBlocked: UInt64?

        public init(
            key: String, retrying: UInt64? = nil, dead: UInt64? = nil, blocked: Int = 0,
            firstBlocked: UInt64? = nil
        ) {
            self.key = key
            self.retrying = retrying
            self.dead = dead
            self.blocked = blocked
            self.firstBlocked = firstBlocked
        }
    }

    /// A delivery whose attempt ran when a process died.
    public struct Suspect: Sendable, Hashable {
        public var sequence: UInt64
        /// How many processes died while it ran alone.
        public var deaths: Int

        public init(sequence: UInt64, deaths: Int) {
            self.sequence = sequence
            self.deaths = deaths
        }

        /// So many deaths while alone make a dead letter.
        public static let maxDeaths = 3
    }

    public init(orderedKeys: [OrderedKey] = [], suspects: [Suspect] = []) {
        self.orderedKeys = orderedKeys
        self.suspects = suspects
    }
}

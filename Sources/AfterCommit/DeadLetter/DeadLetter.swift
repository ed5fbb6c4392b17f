public import Foundation

/// A delivery that will not be tried again until a person redrives it. It owns a copy of its envelope.
public struct DeadLetter: Sendable {
    public var id: DeliveryID
    public var envelope: Envelope
    public var reason: Reason
    public var history: DeliveryHistory
    public var deadSince: Date
    /// Whether later deliveries of the same ordering key wait until this one is redriven or deleted.
    public var blocksKey: Bool

    /// Why it is dead.
    public struct Reason: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public var description: String { rawValue }

        /// All its attempts failed.
        public static let exhausted = Self(rawValue: "exhausted")
        /// Its time budget was spent before its attempts were.
        public static let expired = Self(rawValue: "expired")
        /// Three processes died while its handler ran alone.
        public static let crashLoop = Self(rawValue: "crashLoop")
        /// A person called it off.
        public static let cancelled = Self(rawValue: "cancelled")
        /// The handler said that trying again cannot help.
        public static let permanent = Self(rawValue: "permanent")
        /// The stored bytes are not of the event's type.
        public static let malformed = Self(rawValue: "malformed")
    }

    public init(
        id: DeliveryID, envelope: Envelope, reason: Reason, history: DeliveryHistory,
        deadSince: Date, blocksKey: Bool
    ) {
        self.id = id
        self.envelope = envelope
        self.reason = reason
        self.history = history
        self.deadSince = deadSince
        self.blocksKey = blocksKey
    }

    /// Groups dead letters that died alike: the last error's type, its status and the subscription.
    public var fingerprint: String {
        let last = history.failures.last
        let status = last?.status.map(String.init) ?? "-"
        return "\(last?.errorType ?? reason.rawValue)|\(status)|\(id.subscription)"
    }

    /// The trace that emitted the event: the second field of its `traceparent` (W3C Trace Context), if it has one.
    public var traceID: String? {
        envelope.headers["traceparent"]?.split(separator: "-").dropFirst().first.map(String.init)
    }
}

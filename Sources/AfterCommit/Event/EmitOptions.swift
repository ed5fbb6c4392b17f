public import Foundation

/// How one event is emitted, beyond what it says itself.
public struct EmitOptions: Sendable, Hashable {
    /// CloudEvents extension attributes to send along: names of `[a-z0-9]`, at most 20 characters, none that the envelope
    /// has itself. Default none.
    public var headers: [String: String]
    /// The event is not delivered before this moment. It takes its place in commit order then. Default `nil`: at once.
    public var deliverAt: Date?
    /// The caller's own key, 1 to 200 bytes: emitted again within the storage's window (7 days), the event is stored once
    /// and the first one's id returned. The same key with another payload is an error. Default `nil`.
    public var deduplicationKey: String?
    /// The event's id, where the caller has one. Like a deduplication key, it stores the event once. Default `nil`: a new one.
    public var id: EventID?

    public init(
        headers: [String: String] = [:], deliverAt: Date? = nil, deduplicationKey: String? = nil, id: EventID? = nil
    ) {
        self.headers = headers
        self.deliverAt = deliverAt
        self.deduplicationKey = deduplicationKey
        self.id = id
    }

    /// Whether they have a key or an id, under which the event is stored once.
    package var namesOneEvent: Bool { deduplicationKey != nil || id != nil }
}

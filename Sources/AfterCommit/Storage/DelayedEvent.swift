public import Foundation

/// An event that waits for its moment. Then it takes its place in commit order, for every subscription.
public struct DelayedEvent: Sendable {
    public var envelope: Envelope
    public var deliverAt: Date

    /// Its place among the delayed events.
    public var position: Position { Position(deliverAt: deliverAt, id: envelope.id) }

    /// A place among the delayed events: they are sorted by moment, then by id. It stays a place when its event is published
    /// or deleted.
    public struct Position: Sendable, Hashable, Comparable {
        public var deliverAt: Date
        public var id: EventID

        public init(deliverAt: Date, id: EventID) {
            self.deliverAt = deliverAt
            self.id = id
        }

        public static func < (a: Self, b: Self) -> Bool { (a.deliverAt, a.id) < (b.deliverAt, b.id) }
    }

    public init(envelope: Envelope, deliverAt: Date) {
        self.envelope = envelope
        self.deliverAt = deliverAt
    }
}

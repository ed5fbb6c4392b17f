public import Foundation

/// An event that waits for its moment. Then it takes its place in commit order, for every subscription.
public struct DelayedEvent: Sendable {
    public var envelope: Envelope
    public var deliverAt: Date

    public init(envelope: Envelope, deliverAt: Date) {
        self.envelope = envelope
        self.deliverAt = deliverAt
    }
}

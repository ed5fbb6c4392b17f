public import Logging

/// What a handler in direct mode knows of the attempt it is.
public struct DirectContext: Sendable {
    /// The event as it was received.
    public let envelope: Envelope
    /// This attempt's number, from 1, in this process.
    public let attempt: Int
    /// How many attempts there are before the message is rejected.
    public let maxAttempts: Int
    /// `eventID/consumer`: the same however often the event is given out.
    public let idempotencyKey: String
    /// How often the broker gave the message out before, as far as it tells.
    public let redeliveries: Int
    public let logger: Logger
}

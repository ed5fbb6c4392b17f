public import Foundation
public import Logging

/// What a handler knows of the attempt it is.
public struct DeliveryContext: Sendable {
    public let delivery: DeliveryID
    public let envelope: Envelope
    /// This attempt's number, from 1.
    public let attempt: Int
    /// How many attempts this delivery has.
    public let maxAttempts: Int
    /// When this attempt began.
    public let startedAt: Date
    /// When this attempt counts as failed, whatever the handler does.
    public let deadline: Date
    private let baseLogger: Logger
    private let coder: any EventCoder

    package init(
        delivery: DeliveryID, envelope: Envelope, attempt: Int, maxAttempts: Int, startedAt: Date,
        deadline: Date, baseLogger: Logger, coder: any EventCoder
    ) {
        self.delivery = delivery
        self.envelope = envelope
        self.attempt = attempt
        self.maxAttempts = maxAttempts
        self.startedAt = startedAt
        self.deadline = deadline
        self.baseLogger = baseLogger
        self.coder = coder
    }

    public var eventID: EventID { envelope.id }
    public var subscription: String { delivery.subscription }
    public var headers: [String: String] { envelope.headers }
    /// Whether a failure of this attempt makes a dead letter.
    public var isLastAttempt: Bool { attempt >= maxAttempts }

    /// `eventID/subscription`: the same for every retry and every redrive of this delivery.
    public var idempotencyKey: String { "\(envelope.id)/\(delivery.subscription)" }

    /// The engine's logger with the event, the subscription and the attempt as metadata.
    public var logger: Logger {
        var logger = baseLogger
        logger[metadataKey: LogKey.eventID] = "\(envelope.id)"
        logger[metadataKey: LogKey.eventType] = "\(envelope.type)"
        logger[metadataKey: LogKey.subscription] = "\(delivery.subscription)"
        logger[metadataKey: LogKey.attempt] = "\(attempt)"
        logger[metadataKey: LogKey.maxAttempts] = "\(maxAttempts)"
        return logger
    }

    /// The payload's bytes, encoded now where the storage keeps Swift values.
    public func payload() throws -> Data {
        try envelope.bytes(using: coder)
    }
}

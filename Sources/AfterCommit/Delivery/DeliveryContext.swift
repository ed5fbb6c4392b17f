public import Foundation
public import Logging

/// What a handler knows of the attempt it is.
public struct DeliveryContext: Sendable {
    /// What all attempts of a subscription have in common.
    package final class Common: Sendable {
        let subscription: String
        let policy: DeliveryPolicy
        let logger: Logger
        let coder: any EventCoder
        let time: TimeSource
        let wallClock: any WallClock

        package init(
            subscription: String, policy: DeliveryPolicy, logger: Logger, coder: any EventCoder,
            time: TimeSource, wallClock: any WallClock
        ) {
            self.time = time
            self.wallClock = wallClock
            self.subscription = subscription
            self.policy = policy
            self.logger = logger
            self.coder = coder
        }
    }

    private let claimed: ClaimedDelivery
    private let common: Common
    private let started: Duration

    package init(_ claimed: ClaimedDelivery, common: Common, started: Duration) {
        self.claimed = claimed
        self.common = common
        self.started = started
    }

    /// When this attempt began, by the wall clock of now.
    public var startedAt: Date {
        common.wallClock.now() - (common.time.now() - started).timeInterval
    }

    public var delivery: DeliveryID {
        DeliveryID(subscription: common.subscription, sequence: claimed.sequence)
    }
    public var envelope: Envelope { claimed.envelope }
    package var box: EnvelopeBox { claimed.box }
    public var eventID: EventID { claimed.box.envelope.id }
    public var subscription: String { common.subscription }
    public var headers: [String: String] { claimed.box.envelope.headers }
    /// This attempt's number, from 1.
    public var attempt: Int { (claimed.history?.attempts ?? 0) + 1 }
    /// How many attempts this delivery has.
    public var maxAttempts: Int { common.policy.maxAttempts }
    /// Whether a failure of this attempt makes a dead letter.
    public var isLastAttempt: Bool { attempt >= maxAttempts }
    /// When this attempt counts as failed, whatever the handler does.
    public var deadline: Date { startedAt + common.policy.timeout.timeInterval }

    /// `eventID/subscription`: the same for every retry and every redrive of this delivery.
    public var idempotencyKey: String { "\(eventID)/\(subscription)" }

    /// The engine's logger with the event, the subscription and the attempt as metadata.
    public var logger: Logger {
        var logger = common.logger
        logger[metadataKey: LogKey.eventID] = "\(eventID)"
        logger[metadataKey: LogKey.eventType] = "\(envelope.type)"
        logger[metadataKey: LogKey.subscription] = "\(subscription)"
        logger[metadataKey: LogKey.attempt] = "\(attempt)"
        logger[metadataKey: LogKey.maxAttempts] = "\(maxAttempts)"
        return logger
    }

    /// The payload's bytes, encoded now where the storage keeps Swift values.
    public func payload() throws -> Data {
        try envelope.bytes(using: common.coder)
    }
}

public import Foundation
public import Logging

/// What a handler knows of the attempt it is, and its right to emit.
///
/// What it emits is stored in the commit that settles the delivery: all of it if the attempt succeeds, none of it otherwise.
/// Each event carries the handled event's id as `causationid`, and its `correlationid`.
public struct DeliveryContext: Sendable, EventEmitter {
    /// What all attempts of a subscription have in common.
    package final class Common: Sendable {
        let subscription: String
        let policy: DeliveryPolicy
        let logger: Logger
        let envelopes: EnvelopeFactory
        let time: TimeSource
        let wallClock: any WallClock
        /// Refuses what the storage could not store with the settlement.
        let validateEmission: @Sendable (Emission) throws -> Void

        package init(
            subscription: String, policy: DeliveryPolicy, logger: Logger, envelopes: EnvelopeFactory,
            time: TimeSource, wallClock: any WallClock,
            validateEmission: @escaping @Sendable (Emission) throws -> Void = { _ in }
        ) {
            self.validateEmission = validateEmission
            self.time = time
            self.wallClock = wallClock
            self.subscription = subscription
            self.policy = policy
            self.logger = logger
            self.envelopes = envelopes
        }
    }

    private let claimed: ClaimedDelivery
    private let common: Common
    private let started: Duration
    private let emissions: EmissionBuffer
    private let emittingAttempt: UInt64
    /// Whether the handler has a transaction to emit with.
    private var isTransactional = false

    package init(_ claimed: ClaimedDelivery, common: Common, started: Duration, emissions: EmissionBuffer) {
        self.claimed = claimed
        self.common = common
        self.started = started
        self.emissions = emissions
        emittingAttempt = emissions.attempt
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
    /// How many times this delivery was redriven.
    public var replayCount: Int { claimed.history?.replayCount ?? 0 }
    /// When this attempt counts as failed, whatever the handler does.
    public var deadline: Date { startedAt + common.policy.timeout.timeInterval }

    /// `eventID/subscription`: the same for every retry and every redrive of this delivery.
    public var idempotencyKey: String { "\(eventID)/\(subscription)" }

    /// The engine's logger with the event, the subscription and the attempt as metadata.
    public var logger: Logger {
        var logger = common.logger
        logger[metadataKey: LogKey.eventID] = "\(eventID)"
        logger[metadataKey: LogKey.eventType] = "\(DeliveryLog.oneLine(envelope.type.rawValue))"
        logger[metadataKey: LogKey.subscription] = "\(subscription)"
        logger[metadataKey: LogKey.attempt] = "\(attempt)"
        logger[metadataKey: LogKey.maxAttempts] = "\(maxAttempts)"
        return logger
    }

    /// The payload's bytes, encoded now where the storage keeps Swift values.
    public func payload() throws -> Data {
        try envelope.bytes(using: common.envelopes.coder)
    }

    /// The event, decoded and brought up to this binary's schema version: for handlers of patterns.
    /// - Throws: what a handler may pass on: bytes that are not the event's make a dead letter, a newer schema version parks.
    public func event<E: Event>(as type: E.Type) throws -> E {
        try envelope.event(E.self, coder: common.envelopes.coder)
    }

    /// The context of a transactional handler, which settles in its transaction what it emits with it.
    package var ofTransaction: Self {
        var context = self
        context.isTransactional = true
        return context
    }

    /// Emits an event that is stored if this attempt succeeds, in the commit that settles it.
    /// - Throws: ``EmitError`` with `attemptEnded` once the attempt has ended; with `emitWithTransaction` in a transactional
    ///   handler, whose transaction is to emit; ``StorageError`` where the storage cannot store it with the settlement.
    @discardableResult
    public func emit<E: Event>(_ event: E, options: EmitOptions) throws -> EventID {
        guard !isTransactional else { throw EmitError.emitWithTransaction }
        var options = options
        if options.headers["causationid"] == nil { options.headers["causationid"] = "\(eventID)" }
        if options.headers["correlationid"] == nil {
            options.headers["correlationid"] = headers["correlationid"] ?? "\(eventID)"
        }
        let emission = try common.envelopes.emission(event, options: options, form: .bytes)
        try common.validateEmission(emission)
        try emissions.append(emission, attempt: emittingAttempt)
        return emission.envelope.id
    }
}

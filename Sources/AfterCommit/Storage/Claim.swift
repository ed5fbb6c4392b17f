public import Foundation

/// One event for one subscription, by its place in the storage.
public struct DeliveryID: Hashable, Sendable, Codable, CustomStringConvertible {
    public let subscription: String
    /// The event's place in commit order.
    public let sequence: UInt64

    public init(subscription: String, sequence: UInt64) {
        self.subscription = subscription
        self.sequence = sequence
    }

    public var description: String { "\(subscription)/\(sequence)" }
}

/// A delivery that was handed out to its worker.
public struct ClaimedDelivery: Sendable {
    /// The event's place in commit order.
    public var sequence: UInt64
    package let box: EnvelopeBox
    /// What happened before; `nil` for a delivery that was never tried.
    public var history: DeliveryHistory?
    /// Whether it was stored as blocked, where it was claimed by its sequence.
    public var wasBlocked = false
    /// Whether what is stored of it cannot be read: it becomes a dead letter when its turn comes, and is never tried. Its
    /// envelope is what could be saved, with the key where that is known.
    public var isDamaged = false
    /// Whether nothing is left to deliver, because what the event tells of was removed with it: it is settled when its turn
    /// comes, and never tried.
    public var isGone = false

    /// Whether it is never tried.
    package var isUntried: Bool { isDamaged || isGone }

    public var envelope: Envelope { box.envelope }

    public init(sequence: UInt64, envelope: Envelope, history: DeliveryHistory? = nil) {
        self.init(sequence: sequence, box: EnvelopeBox(envelope), history: history)
    }

    package init(sequence: UInt64, box: EnvelopeBox, history: DeliveryHistory? = nil) {
        self.sequence = sequence
        self.box = box
        self.history = history
    }
}

/// What a delivery has been through.
public struct DeliveryHistory: Sendable, Hashable, Codable {
    /// How many attempts were charged since the last redrive.
    public var attempts: Int
    /// How many times it was redriven.
    public var replayCount: Int
    /// What its attempts and the waits between them took since the last redrive, in seconds: the budget's clock.
    /// Time spent parked or blocked is not in it.
    public var spent: Double
    /// The last failed attempts, oldest first, at most ``maxFailures``.
    public var failures: [AttemptFailure]

    /// How many failures are kept.
    public static let maxFailures = 10

    public init(
        attempts: Int = 0, replayCount: Int = 0, spent: Double = 0, failures: [AttemptFailure] = []
    ) {
        self.attempts = attempts
        self.replayCount = replayCount
        self.spent = spent
        self.failures = failures
    }
}

extension DeliveryHistory {
    /// The history of a delivery that is put back: attempts and budget begin anew.
    package var redriven: Self {
        var history = self
        history.attempts = 0
        history.spent = 0
        history.replayCount += 1
        return history
    }
}

/// One failed attempt.
public struct AttemptFailure: Sendable, Hashable, Codable {
    /// The attempt's number, from 1.
    public var attempt: Int
    public var startedAt: Date
    /// Seconds.
    public var duration: Double
    /// The error's type: a short, bounded label.
    public var errorType: String
    /// What the error said, at most 500 characters.
    public var message: String
    /// The status the receiver answered, where it has one.
    public var status: Int?

    public init(
        attempt: Int, startedAt: Date, duration: Double, errorType: String, message: String,
        status: Int? = nil
    ) {
        self.attempt = attempt
        self.startedAt = startedAt
        self.duration = duration
        self.errorType = errorType
        self.message = message
        self.status = status
    }
}

/// What a worker asks a storage for.
public struct ClaimRequest: Sendable {
    public var subscription: String
    public var limit: Int
    /// Retrying deliveries due at or before this moment are handed out.
    public var now: Date
    /// Whether deliveries that were never claimed may be handed out too; not while too many are blocked by their keys.
    public var includesNew: Bool

    public init(subscription: String, limit: Int, now: Date, includesNew: Bool = true) {
        self.subscription = subscription
        self.limit = limit
        self.now = now
        self.includesNew = includesNew
    }
}

/// What a storage handed out.
public struct ClaimedBatch: Sendable {
    public var deliveries: [ClaimedDelivery]
    /// When the next retrying delivery that was not handed out is due.
    public var nextDue: Date?
    /// Whether new deliveries may be left that were not handed out.
    public var hasMore: Bool
    /// Every new delivery below this sequence has been handed out, now or before.
    public var reached: UInt64

    public init(
        deliveries: [ClaimedDelivery] = [], nextDue: Date? = nil, hasMore: Bool = false, reached: UInt64 = 0
    ) {
        self.deliveries = deliveries
        self.nextDue = nextDue
        self.hasMore = hasMore
        self.reached = reached
    }
}

#if Postgres
import AfterCommit
import Foundation

/// The outcome of a delivery that is not simply done, as `outbox_settle` takes it.
struct SettledException: Encodable {
    var sequence: UInt64
    var state: OutboxState
    /// Seconds since 1970.
    var due: Double?
    var attempts: Int?
    var replays: Int?
    var spent: Double?
    var failures: [AttemptFailure]?
    var reason: String?
    /// Seconds since 1970.
    var deadsince: Double?
    var blockskey: Bool?

    init(_ settlement: Settlement) {
        sequence = settlement.delivery.sequence
        switch settlement.outcome {
        case .retrying(let due, let history):
            state = .retrying
            self.due = due.timeIntervalSince1970
            set(history)
        case .blocked:
            state = .blocked
        case .parked(let history):
            state = .parked
            set(history)
        case .deadLettered(let letter):
            state = .dead
            reason = letter.reason.rawValue
            deadsince = letter.deadSince.timeIntervalSince1970
            blockskey = letter.blocksKey
            set(letter.history)
        }
    }

    private mutating func set(_ history: DeliveryHistory) {
        attempts = history.attempts
        replays = history.replayCount
        spent = history.spent
        failures = history.failures
    }

    /// All of them as one JSON array; `nil` for none.
    static func json(_ settlements: [Settlement]) throws -> String? {
        guard !settlements.isEmpty else { return nil }
        let bytes = try JSONEncoder().encode(settlements.map { Self($0) })
        // PostgreSQL keeps no NUL in its JSON, and an error's text may have one.
        return String(decoding: bytes, as: UTF8.self).replacing("\\u0000", with: "\\ufffd")
    }
}

/// The states of `outbox_deliveries`. One that is done has no row.
enum OutboxState: String, Encodable, Sendable {
    case ready
    case retrying
    case blocked
    case parked
    case dead

    init(_ state: DeliveryState) {
        switch state {
        case .pending: self = .ready
        case .retrying: self = .retrying
        case .blocked: self = .blocked
        case .parked: self = .parked
        case .deadLettered, .delivered: self = .dead
        }
    }

    var deliveryState: DeliveryState {
        switch self {
        case .ready: .pending
        case .retrying: .retrying
        case .blocked: .blocked
        case .parked: .parked
        case .dead: .deadLettered
        }
    }
}
#endif

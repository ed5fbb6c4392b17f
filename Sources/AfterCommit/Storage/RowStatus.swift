public import Foundation

/// What became of the event of a business row, in a storage that keeps it beside the row: a status column.
public struct RowStatus: Sendable, Hashable {
    /// How far the row's event is.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// It is to be delivered, now or again.
        case pending
        /// It was delivered.
        case succeeded
        /// It is a dead letter, or was one that a person deleted.
        case failed
    }

    public var state: State
    /// The row's event: the last one that was emitted of it.
    public var eventID: EventID
    /// How many attempts failed since the last redrive.
    public var attempts: Int
    /// How many times the event was redriven.
    public var replayCount: Int
    /// When it is tried again; `nil` for one that waits for no date.
    public var due: Date?
    /// What the last failed attempt said, at most 500 bytes of UTF-8; `nil` where none failed, and once one succeeded.
    public var lastError: String?

    public init(
        state: State, eventID: EventID, attempts: Int = 0, replayCount: Int = 0, due: Date? = nil,
        lastError: String? = nil
    ) {
        self.state = state
        self.eventID = eventID
        self.attempts = attempts
        self.replayCount = replayCount
        self.due = due
        self.lastError = lastError
    }
}

extension RowStatus {
    package static let maxErrorBytes = 500

    /// The delivery waits: to be tried again at `due`, or for something else.
    package mutating func wait(_ history: DeliveryHistory, due: Date?) {
        state = .pending
        self.due = due
        take(history)
    }

    package mutating func succeed() {
        state = .succeeded
        due = nil
        lastError = nil
    }

    package mutating func fail(_ letter: DeadLetter) {
        state = .failed
        due = nil
        take(letter.history)
        // One that was called off, say, failed in no attempt.
        if letter.history.failures.isEmpty { lastError = letter.reason.rawValue }
    }

    private mutating func take(_ history: DeliveryHistory) {
        attempts = history.attempts
        replayCount = history.replayCount
        lastError = history.failures.last.map { Self.shortened($0.message) }
    }

    private static func shortened(_ message: String) -> String {
        guard message.utf8.count > maxErrorBytes else { return message }
        var bytes = 0
        return String(
            message.unicodeScalars.prefix { scalar in
                bytes += UTF8.width(scalar)
                return bytes <= maxErrorBytes
            })
    }
}

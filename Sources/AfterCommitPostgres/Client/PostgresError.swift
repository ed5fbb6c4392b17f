#if Postgres
public import AfterCommit
import Foundation

/// What the server answered, or why it could not be asked. No password is in it.
public struct PostgresError: Error, Hashable, CustomStringConvertible {
    /// The five characters of SQLSTATE (PostgreSQL, appendix A); `nil` where the server did not answer.
    ///
    /// What is refused before it is sent has the code that the server would have answered, see ``parameter``.
    public let sqlState: String?
    /// The server's primary message, or libpq's.
    public let message: String
    /// May quote stored values, so ``description`` leaves it out.
    public let detail: String?
    public let hint: String?
    /// The constraint that was violated.
    public let constraint: String?
    /// The number of the parameter, from 1, that was refused before anything was sent. The transaction can go on.
    public internal(set) var parameter: Int?
    /// Whether the connection was lost while a commit was under way: it may have happened.
    public internal(set) var isOutcomeUnknown = false
    /// Whether a statement that was prepared is outdated, or gone: preparing it again helps.
    var isStaleStatement = false
    /// Whether the server closes the connection after it.
    var isFatal = false

    init(
        sqlState: String?, message: String, detail: String? = nil, hint: String? = nil, constraint: String? = nil
    ) {
        self.sqlState = sqlState
        self.message = message
        self.detail = detail
        self.hint = hint
        self.constraint = constraint
    }

    static func connectionLost(_ message: String) -> Self {
        Self(sqlState: nil, message: message)
    }

    static let closing = connectionLost("the connection is being closed")

    /// The server is away, or has ended the connection: nothing more can be asked on it.
    public var isConnectionLost: Bool {
        guard let sqlState, !isFatal else { return true }
        // 57P01 to 57P03: shutdown, crash, starting up. 53300: too many clients, for now.
        return sqlState.hasPrefix("08") || ["57P01", "57P02", "57P03", "57P05", "25P03", "53300"].contains(sqlState)
    }

    /// Undone because of other transactions; the same again may succeed.
    public var isConflict: Bool { hasUndoneAll || sqlState == "55P03" }

    /// A conflict after which the transaction must begin anew, whatever its body makes of the error. A lock that was not to be
    /// waited for (55P03) is no such: a savepoint can go on without it.
    var hasUndoneAll: Bool { sqlState == "40001" || sqlState == "40P01" }

    /// A key that is there already.
    public var isUniqueViolation: Bool { sqlState == "23505" }

    /// Cancelled: by a person, or by the server's `statement_timeout`.
    public var isCancelled: Bool { sqlState == "57014" }

    /// The server's disk is full.
    public var isFull: Bool { sqlState == "53100" || sqlState == "53200" }

    public var description: String {
        var text = sqlState.map { "\($0): \(message)" } ?? message
        if let hint { text += " \(hint)" }
        return text
    }
}

extension PostgresError: DeliveryFailureDescribing {
    /// `postgres.` and the SQLSTATE, so that dead letters group by it.
    public var failureType: String { "postgres.\(sqlState ?? "connection")" }
    public var failureStatus: Int? { nil }
}
#endif

#if Postgres
import AfterCommit
import Foundation

/// Runs transactions until they are committed or cannot be: again after conflicts and lost connections, and it finds out
/// what became of a commit that was not answered.
struct TransactionRunner: Sendable {
    /// How the outcome of a commit is found out on another connection.
    enum Trace: Sendable {
        /// Asks for what the transaction stored.
        case lookup(@Sendable (PostgresSession) throws -> Bool)
        /// The transaction's own number: the server remembers what became of it (PostgreSQL, `pg_xact_status`).
        case transaction(Int64)
        /// It wrote nothing.
        case none
    }

    /// A commit that was not answered.
    struct UnknownOutcome<R: Sendable>: Error {
        let value: R
        let trace: Trace
        /// Who was to commit.
        let process: ServerProcess?
        let cause: PostgresError
    }

    let pool: PostgresPool
    let maxConflicts: Int
    let patience: Duration
    let time: TimeSource

    /// - Parameter attempt: one try, on a connection; throws ``UnknownOutcome`` for a commit that was not answered.
    func run<R: Sendable>(_ attempt: @escaping @Sendable (PostgresSession) throws -> R) async throws -> R {
        var retry = TransactionRetry(maxConflicts: maxConflicts, patience: patience)
        var random = SystemRandomNumberGenerator()
        try Task.checkCancellation()
        while true {
            let failure: PostgresError
            do {
                return try await pool.run(attempt)
            } catch let unknown as UnknownOutcome<R> {
                if try await isCommitted(unknown.trace, by: unknown.process, cause: unknown.cause) {
                    return unknown.value
                }
                failure = unknown.cause
            } catch let error as PostgresError {
                failure = error
            }
            let decision = retry.failed(TransactionRetry.Failure(failure), now: time.now(), random: &random)
            guard case .runAgain(let delay) = decision, !pool.isClosed else { throw told(failure) }
            // Nothing was committed: who was cancelled meanwhile need not run again.
            try await time.sleep(until: time.now() + delay)
        }
    }

    /// What a statement of the user's met is theirs to read; what keeps the storage from working is the storage's error.
    private func told(_ error: PostgresError) -> any Error {
        if pool.isClosed { return StorageError.closed }
        return error.isFull || error.isConnectionLost || error.isOutcomeUnknown ? StorageError(error) : error
    }

    /// What came of a commit must be known, whoever is cancelled.
    func isCommitted(_ trace: Trace, by process: ServerProcess?, cause: PostgresError) async throws -> Bool {
        try await Task { try await outcome(trace, by: process, cause: cause) }.value
    }

    /// Asks until it is decided, or patience ends.
    private func outcome(_ trace: Trace, by process: ServerProcess?, cause: PostgresError) async throws -> Bool {
        var retry = TransactionRetry(maxConflicts: .max, patience: patience)
        var random = SystemRandomNumberGenerator()
        while true {
            do {
                if let isCommitted = try await pool.run({ try Self.ask(trace, by: process, in: $0) }) {
                    return isCommitted
                }
            } catch {
                // The server is not back yet or could not say, or the storage was closed: what is told is the first error.
            }
            guard case .runAgain(let delay) = retry.failed(.connectionLost, now: time.now(), random: &random),
                !pool.isClosed
            else { throw StorageError(cause) }
            try await time.sleep(until: time.now() + delay)
        }
    }

    /// - Returns: `nil` while it is not decided.
    private static func ask(
        _ trace: Trace, by process: ServerProcess?, in session: PostgresSession
    ) throws -> Bool? {
        if case .none = trace { return true }
        // What is not there yet may still come, for as long as somebody commits it.
        if let process, try !session.end(process) { return nil }
        switch trace {
        case .none: return true
        case .lookup(let isThere): return try isThere(session)
        case .transaction(let id):
            do {
                let status = try session.execute("SELECT pg_xact_status($1::text::xid8)", [.text("\(id)")])
                switch try status.first().optionalText(0) {
                case "committed": return true
                case "in progress": return nil
                default: return false
                }
            } catch let error as PostgresError where error.sqlState == "22023" {
                // A crash has taken the number back.
                return false
            }
        }
    }
}

extension TransactionRetry.Failure {
    init(_ error: PostgresError) {
        // A statement that is outdated is prepared anew the next time.
        self =
            error.isConflict || error.isStaleStatement
            ? .conflict : error.isConnectionLost ? .connectionLost : .other
    }
}

extension StorageError {
    init(_ error: PostgresError) {
        if error.isFull {
            self.init(.storageFull, "the database has no room to write; free disk space there", cause: error)
        } else if error.isOutcomeUnknown {
            self.init(
                .systemFailure,
                "the connection was lost while the transaction was being committed, and the database could not be asked what became of it",
                cause: error)
        } else if error.isConnectionLost {
            self.init(.systemFailure, "the database cannot be reached", cause: error)
        } else {
            self.init(.systemFailure, "the database refused a statement", cause: error)
        }
    }
}
#endif

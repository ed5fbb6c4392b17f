#if Postgres
import AfterCommit

extension PostgresSession {
    /// Runs last statements and commits, in one round trip.
    /// - Throws: ``PostgresError``, with `isOutcomeUnknown` where the connection was lost: the commit may have happened.
    func commit(_ last: [PostgresStatement]) throws {
        do {
            let results = try pipeline(last + [PostgresStatement("COMMIT")])
            // A transaction in which a statement has failed answers a commit with a rollback, and no error.
            guard results.last?.command == "COMMIT" else {
                throw PostgresError(
                    sqlState: "25P02",
                    message: "a statement of the transaction failed and the body went on: nothing was committed",
                    hint: "Let the body throw, or run what may fail in a savepoint.")
            }
        } catch var error as PostgresError {
            if isLost, error.sqlState == nil || error.isConnectionLost { error.isOutcomeUnknown = true }
            throw error
        }
    }
}
#endif

#if Postgres
public import AfterCommit
import Foundation

extension PostgresStorage {
    /// Runs `body` on a connection of the pool. After a serialization failure, a deadlock or a lost connection it is run
    /// again; a commit that was not answered is looked up, so that nothing is done twice.
    @discardableResult
    public func transaction<R: Sendable>(
        _ body: @escaping @Sendable (PostgresTransaction) throws -> R
    ) async throws -> R {
        let queue = queue
        let envelopes = envelopes
        let begin = configuration.isolation.begin
        let (value, change) = try await runner.run { session in
            let tx = PostgresTransaction(session: session, queue: queue, envelopes: envelopes)
            let value = try Self.attempt(tx, begin) { try body(tx) }
            return try Self.commit(tx, queue, (value, StorageChange(tx.emissions)), lookup: nil)
        }
        queue.wake(change)
        return value
    }

    public func transaction<R: Sendable>(
        settling delivery: DeliveryID, _ body: @escaping @Sendable (PostgresTransaction) throws -> R
    ) async throws -> R? {
        let queue = queue
        let envelopes = envelopes
        let isolation = configuration.isolation
        let result: (value: R, change: StorageChange)? = try await runner.run { session in
            if isolation != .readCommitted { try queue.beginSettling(delivery, in: session) }
            let tx = PostgresTransaction(session: session, queue: queue, envelopes: envelopes)
            let value: R? = try Self.attempt(tx, isolation.begin) {
                switch try queue.lock(delivery, in: session) {
                case .alreadySettled: return nil
                case .notClaimed: throw StorageError.notClaimed(delivery)
                case .locked: break
                }
                let value = try body(tx)
                try queue.settle(delivery, in: session)
                return value
            }
            guard let value else {
                try session.execute("ROLLBACK")
                return nil
            }
            return try Self.commit(tx, queue, (value, StorageChange(tx.emissions))) { session in
                try queue.isSettled(delivery, in: session)
            }
        }
        guard let result else { return nil }
        queue.settled(delivery)
        queue.wake(result.change)
        return result.value
    }

    /// Runs what comes before the commit, and undoes it where it throws.
    private static func attempt<R>(_ tx: PostgresTransaction, _ begin: String, _ body: () throws -> R) throws -> R {
        try tx.session.execute(begin)
        do {
            return try body()
        } catch {
            tx.close()
            // The connection rolls back what is open. Whatever the body made of it, a conflict is tried again.
            throw tx.failure ?? error
        }
    }

    private static func commit<R: Sendable>(
        _ tx: PostgresTransaction, _ queue: any PostgresQueue, _ value: R,
        lookup: (@Sendable (PostgresSession) throws -> Bool)?
    ) throws -> R {
        // A conflict that the body kept to itself has undone everything.
        if let failure = tx.failure { throw failure }
        let session = tx.session
        let ids = tx.emissions.map(\.envelope.id)
        let trace: TransactionRunner.Trace
        if let lookup {
            trace = .lookup(lookup)
        } else if !ids.isEmpty {
            trace = .lookup { try queue.isStored(ids, in: $0) }
        } else if tx.isUsed {
            let number = try session.execute("SELECT pg_current_xact_id_if_assigned()::text::bigint").first()
            trace = try number.optionalInt64(0).map { .transaction($0) } ?? .none
        } else {
            trace = .none
        }
        let last = try queue.store(tx.emissions, in: session)
        tx.close()
        do {
            try session.commit(last)
        } catch let error as PostgresError where error.isOutcomeUnknown {
            throw TransactionRunner.UnknownOutcome(
                value: value, trace: trace, process: session.process, cause: error)
        }
        return value
    }
}
#endif

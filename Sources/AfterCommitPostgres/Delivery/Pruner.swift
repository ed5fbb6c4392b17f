#if Postgres
import AfterCommit
import Foundation

/// Deletes events that are old and delivered to all, a bounded number at a time, and deduplication keys past their window.
struct Pruner: Sendable {
    private let retention: Duration
    /// Events up to this sequence were looked at: those that are left are dead letters' or pending, and looked at again from the
    /// start.
    private var lookedAt: Int64 = -1

    init(retention: Duration) {
        self.retention = retention
    }

    /// How many batches one round has.
    private static let maxBatches = 10

    /// - Returns: whether nothing is left that can be deleted now.
    mutating func prune(_ outbox: PostgresOutbox) async throws -> Bool {
        let now = outbox.wallClock.now()
        let cutoff = now - retention.timeInterval
        let keys = now - DeduplicationRecord.window.timeInterval
        for _ in 0..<Self.maxBatches where !Task.isCancelled {
            let from = lookedAt
            let next = try await outbox.pool.transaction { session -> Int64? in
                guard try session.execute(RelayStatement.tryToPrune, []).first().bool(0) else { return nil }
                let row = try session.execute(RelayStatement.prune, [.int64(from), .timestamp(cutoff)]).first()
                _ = try session.execute(RelayStatement.pruneKeys, [.timestamp(keys)])
                // As many as one statement prunes: there may be more of those it looked at.
                if try row.int64(0) == 1_000 { return try row.optionalInt64(1) }
                // Later ones are younger still, as a rule.
                return try row.int64(2) > 0 ? try row.optionalInt64(3) : nil
            }
            guard let next else {
                lookedAt = -1
                return true
            }
            lookedAt = next
        }
        return false
    }
}
#endif

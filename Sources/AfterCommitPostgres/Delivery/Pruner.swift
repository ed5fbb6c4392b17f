#if Postgres
import AfterCommit
import Foundation

/// Deletes events that are old and delivered to all, a bounded number at a time, and deduplication keys past their window.
struct Pruner: Sendable {
    private let retention: Duration
    /// Events up to this sequence were looked at: those that are left are dead letters', and looked at again from the start.
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
            let (count, last) = try await outbox.pool.transaction { session in
                guard try session.execute(RelayStatement.tryToPrune, []).first().bool(0) else {
                    return (0, Int64?.none)
                }
                let row = try session.execute(RelayStatement.prune, [.int64(from), .timestamp(cutoff)]).first()
                _ = try session.execute(RelayStatement.pruneKeys, [.timestamp(keys)])
                return (Int(try row.int64(0)), try row.optionalInt64(1))
            }
            guard count == 1_000, let last else {
                lookedAt = -1
                return true
            }
            lookedAt = last
        }
        return false
    }
}
#endif

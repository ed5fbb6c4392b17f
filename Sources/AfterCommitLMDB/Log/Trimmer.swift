#if LMDB
import AfterCommit
import CLMDB
import Foundation
import Logging

/// Forgets events that every subscription has settled: the old ones, and what is beyond the size to retain.
struct Trimmer {
    private static let interval = Duration.milliseconds(100)
    private static let minBatch = 8_192

    private let retentionMilliseconds: UInt64
    private let maxRetainedBytes: Int
    private var next: Duration?
    private var appendedSince = 0

    init(configuration: LMDBStorage.Configuration) {
        let (seconds, attoseconds) = configuration.retention.components
        retentionMilliseconds = UInt64(
            clamping: Double(seconds) * 1_000 + Double(attoseconds) / 1e15)
        maxRetainedBytes = configuration.maxRetainedBytes
    }

    /// Trims a batch, now and then, in a group's transaction.
    mutating func trimIfDue(_ group: WriteGroup) throws {
        appendedSince += group.appendedCount
        let instant = group.context.time.now()
        if let next, instant < next { return }
        next = instant + Self.interval
        // More than what came since the last time, so that it never falls behind.
        let limit = max(Self.minBatch, 2 * appendedSince)
        appendedSince = 0
        let now = UInt64(clamping: group.context.envelopes.wallClock.now().timeIntervalSince1970 * 1000)
        let oldest = now - min(now, retentionMilliseconds)
        let excess = try group.mutate { try Self.logBytes(group) } - maxRetainedBytes
        try trim(group, limit: limit) { position, trimmedBytes in
            position.recordedMilliseconds < oldest || trimmedBytes < excess
        }
    }

    /// Trims a batch of what is settled, however young: a full store makes room.
    /// - Returns: how many events it forgot.
    func trimSettled(_ group: WriteGroup) throws -> Int {
        try trim(group, limit: Self.minBatch) { _, _ in true }
    }

    @discardableResult
    private func trim(
        _ group: WriteGroup, limit: Int, while mayGo: (EventLog.Position, Int) -> Bool
    ) throws -> Int {
        let end: UInt64
        do {
            end = try group.settledBelowForAll()
        } catch {
            group.context.logger.error(
                "the log is not trimmed: a subscription's place cannot be read",
                metadata: [LogKey.error: "\(error)"])
            return 0
        }
        return try group.mutate {
            let log = group.context.log(group.transaction)
            guard let last = try log.last() else { return 0 }
            var count = 0
            var bytes = 0
            let cursor = try Cursor(group.transaction, group.context.databases.log)
            var entry = try cursor.first()
            // The newest stays: the next sequence is counted from it.
            while let current = entry, count < limit {
                let position = try EventLog.position(current)
                guard position.sequence < min(end, last.sequence), mayGo(position, bytes) else { break }
                bytes += Space.storedBytes(of: current.value.count)
                try cursor.delete()
                count += 1
                entry = try cursor.next()
            }
            return count
        }
    }

    private static func logBytes(_ group: WriteGroup) throws(StorageError) -> Int {
        let statistics = try group.transaction.statistics(of: group.context.databases.log)
        let pages = statistics.ms_branch_pages + statistics.ms_leaf_pages + statistics.ms_overflow_pages
        return Int(pages) * Int(statistics.ms_psize)
    }
}
#endif

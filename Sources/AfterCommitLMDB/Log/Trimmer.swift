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
        // Beyond the size to retain an orphan's place is cut: the emitter never pays for it.
        if excess > 0 {
            try trim(group, limit: limit, cuttingOrphans: true) { _, trimmedBytes in trimmedBytes < excess }
        } else {
            try trim(group, limit: limit, cuttingOrphans: false) { position, _ in
                position.recordedMilliseconds < oldest
            }
        }
    }

    /// Trims a batch of what is settled, however young: a full store makes room.
    /// - Returns: how many events it forgot.
    func trimSettled(_ group: WriteGroup) throws -> Int {
        let trimmed = try trim(group, limit: Self.minBatch, cuttingOrphans: false) { _, _ in true }
        return trimmed > 0
            ? trimmed : try trim(group, limit: Self.minBatch, cuttingOrphans: true) { _, _ in true }
    }

    @discardableResult
    private func trim(
        _ group: WriteGroup, limit: Int, cuttingOrphans: Bool, while mayGo: (EventLog.Position, Int) -> Bool
    ) throws -> Int {
        let end: UInt64
        let kept: UInt64
        do {
            kept = try group.settledBelowForAll(cuttingOrphans: false)
            end = cuttingOrphans ? try group.settledBelowForAll(cuttingOrphans: true) : kept
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
            var removed: [UInt64] = []
            defer {
                if cuttingOrphans, count > 0, kept < end {
                    group.context.logger.error(
                        "events were forgotten that a subscription without an engine had not handled",
                        metadata: [LogKey.count: "\(count)"])
                }
            }
            let cursor = try Cursor(group.transaction, group.context.databases.log)
            var entry = try cursor.first()
            // The newest stays: the next sequence is counted from it.
            while let current = entry, count < limit {
                let position = try EventLog.position(current)
                guard position.sequence < min(end, last.sequence), mayGo(position, bytes) else { break }
                bytes += Space.storedBytes(of: current.value.count)
                removed.append(position.sequence)
                count += 1
                entry = try cursor.next()
            }
            guard let first = removed.first, let last = removed.last else { return 0 }
            try group.copyEnvelopes(from: first, through: last)
            // A cursor of its own: copying has moved pages.
            let deletion = try Cursor(group.transaction, group.context.databases.log)
            var next = try deletion.first()
            while let current = next, try EventLog.sequence(current.key) <= last {
                try deletion.delete()
                next = try deletion.next()
            }
            group.trimmedLog()
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

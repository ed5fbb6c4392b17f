#if LMDB
public import AfterCommit
import Foundation

extension LMDBStorage {
    /// From the subscription's place and the log's end; of what lies beside the log only the keys and states are looked at,
    /// in parts, so that claims on the same thread do not wait for all of it.
    public func backlog(subscription name: String) async throws -> BacklogEstimate {
        let context = context
        var (estimate, id) = try await reader.read { try $0.backlog(name, context) }
        guard let id else { return estimate }
        var next: UInt64? = 0
        while let start = next {
            let part = try await reader.read { try $0.exceptionStates(id, from: start, context) }
            estimate.counts.retrying += part.counts.retrying
            estimate.counts.blocked += part.counts.blocked
            estimate.counts.parked += part.counts.parked
            next = part.next
            try Task.checkCancellation()
        }
        next = 0
        while let start = next {
            let part = try await reader.read { try $0.deadLetterCount(id, from: start, context) }
            estimate.counts.deadLettered += part.count
            next = part.next
            try Task.checkCancellation()
        }
        return estimate
    }
}

extension Transaction {
    private static let partRecords = 4_096

    /// What the log alone tells.
    fileprivate func backlog(
        _ name: String, _ context: StoreContext
    ) throws -> (BacklogEstimate, subscription: UInt32?) {
        let log = context.log(self)
        let tail = try log.tail()
        var estimate = BacklogEstimate(DeliveryCounts(), appended: tail - 1)
        guard let subscription = try context.subscriptions(self).record(name) else { return (estimate, nil) }
        let cursor =
            context.deliveries.cursor(name)
            ?? SubscriptionCursor(
                settledBelow: subscription.settledBelow, settledAhead: subscription.settledAhead)
        estimate.counts.pending = cursor.unsettledCount(below: tail)
        guard estimate.counts.pending > 0 else { return (estimate, subscription.id) }
        try log.scan(from: cursor.settledBelow) { _, entry throws(StorageError) in
            let milliseconds = try EventLog.position(entry).recordedMilliseconds
            estimate.counts.oldestPending = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            return false
        }
        return (estimate, subscription.id)
    }

    /// The states of a part of the exceptions. Their checksums are not asked: a damaged one is found when it is claimed.
    fileprivate func exceptionStates(
        _ subscription: UInt32, from start: UInt64, _ context: StoreContext
    ) throws -> (counts: DeliveryCounts, next: UInt64?) {
        var counts = DeliveryCounts()
        var next: UInt64?
        var seen = 0
        try context.exceptions(self).scan(subscription, from: start) { sequence, entry throws(StorageError) in
            guard seen < Self.partRecords else {
                next = sequence
                return false
            }
            seen += 1
            switch ExceptionRecord.storedState(entry.value) {
            case .retrying: counts.retrying += 1
            case .blocked: counts.blocked += 1
            case .parked: counts.parked += 1
            default: break
            }
            return true
        }
        return (counts, next)
    }

    fileprivate func deadLetterCount(
        _ subscription: UInt32, from start: UInt64, _ context: StoreContext
    ) throws -> (count: Int, next: UInt64?) {
        var count = 0
        var next: UInt64?
        try context.dead(self).scan(subscription, from: start) { sequence, _ in
            guard count < Self.partRecords else {
                next = sequence
                return false
            }
            count += 1
            return true
        }
        return (count, next)
    }
}
#endif

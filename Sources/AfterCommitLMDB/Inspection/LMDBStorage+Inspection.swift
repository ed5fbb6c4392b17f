#if LMDB
public import AfterCommit
import Foundation
import Logging

extension LMDBStorage {
    public func counts(subscription name: String) async throws -> DeliveryCounts {
        let context = context
        var (counts, next) = try await reader.read { try $0.counts(name, context) }
        while let start = next {
            let part = try await reader.read { try $0.pending(name, from: start, context) }
            counts.pending += part.count
            counts.oldestPending = counts.oldestPending ?? part.oldest
            next = part.next
            try Task.checkCancellation()
        }
        return counts
    }

    public func deliveries(_ query: DeliveryQuery) async throws -> [DeliveryRecord] {
        guard query.limit > 0 else { return [] }
        let listing = DeliveryListing(context: context, query: query)
        var start = (query.after ?? 0) &+ 1
        guard start > 0 else { return [] }
        if let id = query.eventID {
            let found = try await reader.read { listing.find(id, $0) }
            if let found {
                guard found >= start else { return [] }
                return try await reader.run { context in
                    try context.withRows {
                        try listing.page(from: found, through: found, limit: query.limit, $0, $1).records
                    }
                }
            }
        }
        var records: [DeliveryRecord] = []
        while records.count < query.limit {
            let from = start
            let rest = query.limit - records.count
            let page = try await reader.run { context in
                try context.withRows { try listing.page(from: from, through: .max, limit: rest, $0, $1) }
            }
            records += page.records
            guard let next = page.next else { break }
            start = next
            try Task.checkCancellation()
        }
        return records
    }

    public func deadLetters(_ query: DeadLetterQuery) async throws -> [DeadLetter] {
        guard query.limit > 0 else { return [] }
        let context = context
        return try await reader.read { transaction in
            var letters: [DeadLetter] = []
            for subscription in try context.subscriptions(transaction).all()
            where query.subscription == nil || query.subscription == subscription.name {
                letters += try transaction.deadLetters(subscription, query, context)
            }
            letters.sort { ($0.id.sequence, $0.id.subscription) < ($1.id.sequence, $1.id.subscription) }
            return Array(letters.prefix(query.limit))
        }
    }
}

extension Transaction {
    /// What is stored beside the log, and from where on the log has unsettled events.
    fileprivate func counts(
        _ name: String, _ context: StoreContext
    ) throws -> (DeliveryCounts, firstUnsettled: UInt64?) {
        var counts = DeliveryCounts()
        guard let subscription = try context.subscriptions(self).record(name) else { return (counts, nil) }
        try context.exceptions(self).scan(subscription.id) { _, entry throws(StorageError) in
            switch try? ExceptionRecord.head(try entry.content()).state {
            case .retrying: counts.retrying += 1
            case .blocked: counts.blocked += 1
            case .parked: counts.parked += 1
            case nil: break
            }
            return true
        }
        try context.dead(self).scan(subscription.id) { _, _ in
            counts.deadLettered += 1
            return true
        }
        return (counts, context.deliveries.cursor(name)?.settledBelow ?? subscription.settledBelow)
    }

    /// How many of a part of the log are unsettled. In parts, so that no snapshot lives long.
    fileprivate func pending(
        _ name: String, from start: UInt64, _ context: StoreContext
    ) throws -> (count: Int, oldest: Date?, next: UInt64?) {
        guard let subscription = try context.subscriptions(self).record(name) else { return (0, nil, nil) }
        let cursor =
            context.deliveries.cursor(name)
            ?? SubscriptionCursor(
                settledBelow: subscription.settledBelow, settledAhead: subscription.settledAhead)
        let end = start.addingReportingOverflow(16_384).partialValue
        var count = 0
        var oldest: Date?
        var next: UInt64?
        try context.log(self).scan(from: start) { sequence, entry throws(StorageError) in
            guard sequence < end else {
                next = sequence
                return false
            }
            if !cursor.isSettled(sequence), let content = try? entry.content(),
                let head = try? LogRecord.head(content), subscription.types.contains(head.type)
            {
                count += 1
                if oldest == nil { oldest = try LogRecord.envelope(content).time }
            }
            return true
        }
        return (count, oldest, next)
    }

    fileprivate func deadLetters(
        _ subscription: SubscriptionRecord, _ query: DeadLetterQuery, _ context: StoreContext
    ) throws -> [DeadLetter] {
        var letters: [DeadLetter] = []
        let start = query.after?.sequence ?? 0
        try context.dead(self).scan(subscription.id, from: start) { sequence, entry throws(StorageError) in
            if let after = query.after,
                (sequence, subscription.name) <= (after.sequence, after.subscription)
            {
                return true
            }
            let id = DeliveryID(subscription: subscription.name, sequence: sequence)
            let letter = try context.readable(
                "a dead letter cannot be read and is not listed", ["delivery": "\(id)"]
            ) { () throws(StorageError) in
                try DeadLetter(id: id, decoding: try entry.content())
            }
            if let letter, query.matches(letter) { letters.append(letter) }
            return letters.count < query.limit
        }
        return letters
    }
}
#endif

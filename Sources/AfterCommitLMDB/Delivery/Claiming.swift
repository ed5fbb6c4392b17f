#if LMDB
import AfterCommit
import Foundation
import Logging

/// Hands deliveries out. Runs on the reader's thread, one claim at a time; it writes nothing.
///
/// A snapshot begun under the lock sees every settlement that the live state has taken in, so that a delivery which is not
/// claimed there is not an old version here.
struct Claiming {
    /// How many events of other types one claim passes over.
    static let maxSkipped = 4_096

    let context: StoreContext

    var deliveries: LiveDeliveries { context.deliveries }

    func claim(_ request: ClaimRequest) throws -> ClaimedBatch {
        let begun = try begin(request.subscription)
        guard let (transaction, live, generation, rows) = begun else { return ClaimedBatch() }
        defer { transaction.abort() }
        let tail = try context.log(transaction).tail()
        var batch = ClaimedBatch()
        let hasNew = request.includesNew && live.cursor.hasClaimable(below: tail)
        let dueLimit = hasNew ? max(1, request.limit / 2) : request.limit
        if !live.damaged.isEmpty { try claimDamaged(transaction, live, rows, limit: dueLimit, into: &batch) }
        try claimDue(transaction, live, rows, now: request.now, limit: dueLimit, into: &batch)
        let due = Set(batch.deliveries.map(\.sequence))
        guard note(due, request.subscription, generation) else { return ClaimedBatch() }
        if request.includesNew {
            do {
                try claimNew(transaction, live, rows, request, generation, below: tail, into: &batch)
            } catch {
                deliveries.release(batch.deliveries.map(\.sequence), subscription: request.subscription)
                throw error
            }
        }
        let cursor = deliveries.cursor(request.subscription)
        batch.hasMore = cursor?.hasClaimable(below: tail) ?? false
        batch.reached = cursor?.reached ?? 0
        return batch
    }

    /// Hands out these, wherever they wait.
    func claim(_ sequences: [UInt64], subscription: String) throws -> [ClaimedDelivery] {
        guard let (transaction, live, generation, rows) = try begin(subscription) else { return [] }
        defer { transaction.abort() }
        let exceptions = context.exceptions(transaction)
        var claimed: [ClaimedDelivery] = []
        var noted: Set<UInt64> = []
        for sequence in sequences where !live.claimedExceptions.contains(sequence) {
            let key = DeliveryKey(live.id, sequence)
            let stored = try key.withBytes { key throws(StorageError) in
                try transaction.stored(key, in: context.databases.exceptions)
            }
            guard stored != nil else { continue }
            let found = try readable(sequence) { () throws(StorageError) -> ClaimedDelivery? in
                try exceptions.content(key).map { content throws(StorageError) in
                    let record = try ExceptionRecord(decoding: content)
                    var delivery = try context.delivery(sequence, record, transaction, rows)
                    delivery.wasBlocked = record.state == .blocked
                    return delivery
                }
            }
            noted.insert(sequence)
            claimed.append(try (found ?? nil) ?? saved(key, transaction, rows))
        }
        guard note(noted, subscription, generation) else { return [] }
        for sequence in sequences where !noted.contains(sequence) && sequence >= live.start {
            let isFree = deliveries.withLock { state in
                state.generation == generation && state.subscriptions[subscription]?.cursor.claim(sequence) == true
            }
            guard isFree else { continue }
            switch try read(sequence, transaction, live.types, rows) {
            case .delivery(let delivery): claimed.append(delivery)
            case .damaged(let bytes): claimed.append(unreadable(sequence, bytes))
            case .other: deliveries.release([sequence], subscription: subscription)
            }
        }
        return claimed
    }

    // MARK: Parts

    func begin(
        _ subscription: String
    ) throws -> (Transaction, LiveDeliveries.Subscription, generation: UInt64, rows: StatusRows?)? {
        // Before the snapshot begins, so that the snapshot knows it.
        let handle = context.column.flatMap { context.handles.snapshot[$0.table] }
        let begun = try deliveries.withLock { state -> (Transaction, LiveDeliveries.Subscription, UInt64)? in
            guard let live = state.subscriptions[subscription] else { return nil }
            return (try context.environment.beginRead(), live, state.generation)
        }
        guard let (transaction, live, generation) = begun else { return nil }
        guard let column = context.column else { return (transaction, live, generation, nil) }
        do {
            let rows = try StatusRows(context, column, transaction, handle: handle)
            return (transaction, live, generation, rows)
        } catch {
            transaction.abort()
            throw error
        }
    }

    /// Notes exceptions as handed out.
    /// - Returns: false if another engine has taken over meanwhile.
    func note(_ sequences: Set<UInt64>, _ subscription: String, _ generation: UInt64) -> Bool {
        deliveries.withLock { state in
            guard state.generation == generation, state.subscriptions[subscription] != nil else { return false }
            state.subscriptions[subscription]?.claimedExceptions.formUnion(sequences)
            return true
        }
    }

    func claimDue(
        _ transaction: Transaction, _ live: LiveDeliveries.Subscription, _ rows: StatusRows?, now: Date, limit: Int,
        into batch: inout ClaimedBatch
    ) throws {
        var claimed = batch.deliveries
        let damaged = Set(claimed.map(\.sequence))
        var nextDue: Date?
        let exceptions = context.exceptions(transaction)
        try context.due(transaction).scan(live.id) { key throws(StorageError) in
            if live.claimedExceptions.contains(key.sequence) || damaged.contains(key.sequence) { return true }
            guard key.due <= now, claimed.count < limit else {
                nextDue = key.due
                return false
            }
            let place = DeliveryKey(live.id, key.sequence)
            let found = try readable(key.sequence) { () throws(StorageError) -> ClaimedDelivery? in
                try exceptions.content(place).map { content throws(StorageError) in
                    try context.delivery(key.sequence, try ExceptionRecord(decoding: content), transaction, rows)
                }
            }
            if let found {
                if let found { claimed.append(found) }
            } else {
                claimed.append(try saved(place, transaction, rows))
            }
            return true
        }
        batch.deliveries = claimed
        batch.nextDue = nextDue
    }

    func claimNew(
        _ transaction: Transaction, _ live: LiveDeliveries.Subscription, _ rows: StatusRows?, _ request: ClaimRequest,
        _ generation: UInt64, below tail: UInt64, into batch: inout ClaimedBatch
    ) throws {
        var skipped = 0
        while batch.deliveries.count < request.limit, skipped < Self.maxSkipped {
            let wanted = request.limit - batch.deliveries.count
            let sequences = take(wanted, request.subscription, generation, below: tail)
            guard !sequences.isEmpty else { return }
            var passed: [UInt64] = []
            for (index, sequence) in sequences.enumerated() {
                do {
                    switch try read(sequence, transaction, live.types, rows) {
                    case .delivery(let delivery): batch.deliveries.append(delivery)
                    case .other: passed.append(sequence)
                    case .damaged(let bytes): batch.deliveries.append(unreadable(sequence, bytes))
                    }
                } catch {
                    deliveries.settled(passed, subscription: request.subscription)
                    deliveries.release(Array(sequences[index...]), subscription: request.subscription)
                    throw error
                }
            }
            skipped += passed.count
            deliveries.settled(passed, subscription: request.subscription)
        }
    }

    func take(
        _ count: Int, _ subscription: String, _ generation: UInt64, below tail: UInt64
    ) -> [UInt64] {
        deliveries.withLock { state in
            guard state.generation == generation else { return [] }
            var sequences: [UInt64] = []
            while sequences.count < count,
                let sequence = state.subscriptions[subscription]?.cursor.claimNext(below: tail)
            {
                sequences.append(sequence)
            }
            return sequences
        }
    }

    enum Reading {
        case delivery(ClaimedDelivery)
        /// Not one of this subscription's, or its row is gone.
        case other
        case damaged(Data)
    }

    func read(
        _ sequence: UInt64, _ transaction: Transaction, _ types: EventTypeSelection, _ rows: StatusRows?
    ) throws(StorageError) -> Reading {
        let reading = try readLogged(sequence, transaction, types)
        guard let rows, case .delivery(let reference) = reading else { return reading }
        let delivery = try rows.resolved(reference)
        return delivery.isGone ? .other : .delivery(delivery)
    }

    private func readLogged(
        _ sequence: UInt64, _ transaction: Transaction, _ types: EventTypeSelection
    ) throws(StorageError) -> Reading {
        try withKey(of: sequence) { key throws(StorageError) in
            guard let stored = try transaction.stored(key, in: context.databases.log) else {
                // Trimmed, so it was settled.
                return .other
            }
            do throws(StorageError) {
                let content = try Record.content(of: stored, key: key)
                guard types.contains(try LogRecord.head(content).type) else { return .other }
                return .delivery(
                    ClaimedDelivery(sequence: sequence, envelope: try LogRecord.envelope(content)))
            } catch {
                return .damaged(Data(stored))
            }
        }
    }
}
#endif

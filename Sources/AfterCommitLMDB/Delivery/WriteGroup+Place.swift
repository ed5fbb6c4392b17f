#if LMDB
import AfterCommit
import Foundation

extension WriteGroup {
    /// The place of a subscription, as this group sees it; `nil` for one that was never registered.
    func place(_ name: String) throws(StorageError) -> Place? {
        if let place = places[name] { return place }
        guard let record = try context.subscriptions(transaction).record(name) else { return nil }
        let place = Place(
            record: record,
            // The live one knows of events that were passed over because their type is not the subscription's.
            cursor: context.deliveries.cursor(name)
                ?? SubscriptionCursor(settledBelow: record.settledBelow, settledAhead: record.settledAhead))
        places[name] = place
        return place
    }

    /// Registers what is new, at the log's end, and notes the types of each.
    func register(_ registrations: [SubscriptionRegistration]) throws -> [SubscriptionRecord] {
        if context.column != nil { try checkOnly(registrations) }
        return try mutate {
            let table = context.subscriptions(transaction)
            var lastID = try lastSubscriptionID()
            let log = context.log(transaction)
            let tail = try log.tail()
            let now = context.envelopes.wallClock.now()
            var records: [SubscriptionRecord] = []
            for registration in registrations {
                if var record = try table.record(registration.name) {
                    if record.types != registration.types {
                        record.types = registration.types
                        try table.put(record)
                    }
                    if registration.retriesParked { try unpark(record.id, due: now) }
                    records.append(record)
                } else {
                    lastID += 1
                    try StoreFormat.writeLastSubscriptionID(lastID, transaction, context.databases.meta)
                    // Rows that are pending are delivered, whoever comes.
                    let isFromStart = registration.start == .beginning || context.column != nil
                    let start = isFromStart ? try log.first()?.sequence ?? tail : tail
                    let record = SubscriptionRecord(
                        name: registration.name, id: lastID, start: start, types: registration.types)
                    try table.put(record)
                    records.append(record)
                }
                // A settlement earlier in this group must not write the record back as it was.
                places[registration.name]?.record.types = registration.types
            }
            return records
        }
    }

    private func checkOnly(_ registrations: [SubscriptionRegistration]) throws(StorageError) {
        let names = Set(registrations.map(\.name))
        guard !names.isEmpty,
            let other = try context.subscriptions(transaction).all().first(where: { !names.contains($0.name) })
        else { return }
        throw StorageError.needsOutbox(
            "a second subscription beside \(other.name), which has its place here until it is removed")
    }

    /// A store that was migrated knows of the subscriptions that it has.
    private func lastSubscriptionID() throws(StorageError) -> UInt32 {
        let last = try context.subscriptions(transaction).all().map(\.id).max() ?? 0
        return max(last, try StoreFormat.lastSubscriptionID(transaction, context.databases.meta))
    }

    /// What was parked is due: this binary may know it.
    private func unpark(_ subscription: UInt32, due: Date) throws(StorageError) {
        let exceptions = context.exceptions(transaction)
        var parked: [(sequence: UInt64, record: ExceptionRecord)] = []
        try exceptions.scan(subscription) { sequence, entry throws(StorageError) in
            // What cannot be read is left where it is; claiming reports it.
            guard let content = try? entry.content(), let head = try? ExceptionRecord.head(content) else { return true }
            if head.state == .parked { parked.append((sequence, try ExceptionRecord(decoding: content))) }
            return true
        }
        for (sequence, parkedRecord) in parked {
            var record = parkedRecord
            record.state = .retrying(due: due)
            let key = DeliveryKey(subscription, sequence)
            try exceptions.put(key, try record.encodedStored(context.envelopes.coder))
            try context.due(transaction).insert(DueKey(subscription, due: due, sequence: sequence))
        }
    }

    /// Forgets a subscription: its place, its exceptions and its dead letters.
    /// - Returns: whether it had a place.
    func removeSubscription(_ name: String) throws -> Bool {
        try mutate {
            let table = context.subscriptions(transaction)
            guard let record = try table.record(name) else { return false }
            try StoreFormat.writeLastSubscriptionID(try lastSubscriptionID(), transaction, context.databases.meta)
            try keepReferences(of: record.id)
            for rows in [context.exceptions(transaction), context.dead(transaction)] {
                var keys: [DeliveryKey] = []
                try rows.scan(record.id) { sequence, _ in
                    keys.append(DeliveryKey(record.id, sequence))
                    return true
                }
                for key in keys { try rows.delete(key) }
            }
            let due = context.due(transaction)
            var dueKeys: [DueKey] = []
            try due.scan(record.id) { key in
                dueKeys.append(key)
                return true
            }
            for key in dueKeys { try due.delete(key) }
            places[name] = nil
            return try table.delete(name)
        }
    }

    /// Every event below is settled by all subscriptions. Brings stored places up to the live ones first.
    /// - Parameter cuttingOrphans: whether those that the engine no longer delivers to hold nothing back.
    func settledBelowForAll(cuttingOrphans: Bool) throws -> UInt64 {
        var end = try context.log(transaction).tail()
        let all = try context.subscriptions(transaction).all()
        // Rows that nobody delivers yet are pending all the same.
        if context.column != nil, all.isEmpty { return 0 }
        let live = context.deliveries.cursors()
        for record in all {
            // Without an engine in this process nobody can tell who is an orphan.
            if cuttingOrphans, !live.isEmpty, live[record.name] == nil { continue }
            if let cursor = live[record.name], cursor.settledBelow > record.settledBelow,
                var place = try place(record.name), !place.isChanged
            {
                place.record.settledBelow = place.cursor.settledBelow
                place.record.settledAhead = place.cursor.settledAhead
                place.isChanged = true
                places[record.name] = place
            }
            end = min(end, places[record.name]?.record.settledBelow ?? record.settledBelow)
        }
        return end
    }
}
#endif

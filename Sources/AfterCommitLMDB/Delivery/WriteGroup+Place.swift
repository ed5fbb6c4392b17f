#if LMDB
import AfterCommit

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
        try mutate {
            let table = context.subscriptions(transaction)
            var lastID = try table.all().map(\.id).max() ?? 0
            let tail = try context.log(transaction).tail()
            var records: [SubscriptionRecord] = []
            for registration in registrations {
                if var record = try table.record(registration.name) {
                    if record.types != registration.types {
                        record.types = registration.types
                        try table.put(record)
                    }
                    records.append(record)
                } else {
                    lastID += 1
                    let record = SubscriptionRecord(
                        name: registration.name, id: lastID, start: tail, types: registration.types)
                    try table.put(record)
                    records.append(record)
                }
                // A settlement earlier in this group must not write the record back as it was.
                places[registration.name]?.record.types = registration.types
            }
            return records
        }
    }

    /// Every event below is settled by all subscriptions. Brings stored places up to the live ones first.
    /// - Parameter cuttingOrphans: whether those that the engine no longer delivers to hold nothing back.
    func settledBelowForAll(cuttingOrphans: Bool) throws -> UInt64 {
        var end = try context.log(transaction).tail()
        let live = context.deliveries.cursors()
        for record in try context.subscriptions(transaction).all() {
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

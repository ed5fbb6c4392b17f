#if LMDB
import AfterCommit
import Logging

extension StoreContext {
    /// Delayed events, the earliest first. What cannot be read is left out: publishing puts it into quarantine.
    func delayedEvents(
        _ transaction: Transaction, after position: DelayedEvent.Position?, limit: Int
    ) throws(StorageError) -> [DelayedEvent] {
        var events: [DelayedEvent] = []
        let start = position.map { DelayedTable.Key(deliverAt: $0.deliverAt, id: $0.id) }
        try delayed(transaction).scan(from: start) { key, entry throws(StorageError) in
            // The dates are compared as they are stored.
            if let start, key.bytes == start.bytes { return true }
            do throws(StorageError) {
                var reader = ByteReader(try entry.content())
                events.append(DelayedEvent(envelope: try reader.envelope(), deliverAt: key.deliverAt))
            } catch {
                guard error.lmdbError == nil else { throw error }
                logger.warning(
                    "a delayed event cannot be read and is not listed", metadata: [LogKey.eventID: "\(key.id)"])
            }
            return events.count < limit
        }
        return events
    }
}

extension WriteGroup {
    /// Deletes delayed events.
    /// - Returns: those that were there.
    func cancelDelayed(_ ids: Set<EventID>) throws -> Set<EventID> {
        try mutate {
            let delayed = context.delayed(transaction)
            var found: [DelayedTable.Key] = []
            try delayed.scan { key, _ in
                if ids.contains(key.id) { found.append(key) }
                return found.count < ids.count
            }
            for key in found { try delayed.delete(key) }
            return Set(found.map(\.id))
        }
    }
}
#endif

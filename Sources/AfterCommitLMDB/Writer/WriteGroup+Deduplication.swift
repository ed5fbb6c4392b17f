#if LMDB
import AfterCommit

extension WriteGroup {
    /// What is known of the deduplication keys of events, by position.
    struct KnownKeys {
        /// The ids of the earlier events that keys stand for.
        var first: [Int: EventID] = [:]
        /// Keys that stand for other payloads.
        var conflicts: [Int: EmitError] = [:]
        /// Keys of events that are new, whose records cannot be read.
        var damaged: [(key: String, bytes: [UInt8])] = []
        /// Keys of events that are new, and the events' ids.
        var new: [(key: Emission.Deduplication, id: EventID)] = []

        var firstConflict: EmitError? { conflicts.min { $0.key < $1.key }?.value }
        /// How many events are not stored.
        var count: Int { first.count + conflicts.count }

        func contains(_ index: Int) -> Bool { first[index] != nil || conflicts[index] != nil }
    }

    func knownKeys(_ events: borrowing EncodedEvents) throws -> KnownKeys {
        let table = context.deduplication(transaction)
        let now = context.envelopes.wallClock.now()
        var known = KnownKeys()
        var seen: [String: DeduplicationRecord] = [:]
        seen.reserveCapacity(events.count)
        for index in 0..<events.count {
            guard let key = events.exceptional(at: index)?.deduplication else { continue }
            var record = seen[key.key]
            if record == nil {
                switch try table.stored(key.key) {
                case .none: break
                case .record(let stored): record = stored
                case .damaged(let bytes): known.damaged.append((key.key, bytes))
                }
            }
            do throws(EmitError) {
                if let first = try record?.firstID(for: key, now: now) {
                    known.first[index] = first
                    continue
                }
            } catch {
                known.conflicts[index] = error
                continue
            }
            let id = events.id(at: index)
            known.new.append((key, id))
            seen[key.key] = DeduplicationRecord(id: id, fingerprint: key.fingerprint, emittedAt: now)
        }
        return known
    }

    func remember(_ keys: KnownKeys) throws(StorageError) {
        guard !keys.new.isEmpty else { return }
        let table = context.deduplication(transaction)
        for (key, bytes) in keys.damaged { try table.keep(bytes, of: key) }
        try table.insert(keys.new, now: context.envelopes.wallClock.now())
    }

    /// The id of the event that a deduplication key stands for, read through the transaction that is open innermost.
    func firstID(for key: Emission.Deduplication, in transaction: Transaction) throws -> EventID? {
        guard case .record(let record) = try context.deduplication(transaction).stored(key.key) else { return nil }
        return try record.firstID(for: key, now: context.envelopes.wallClock.now())
    }
}
#endif

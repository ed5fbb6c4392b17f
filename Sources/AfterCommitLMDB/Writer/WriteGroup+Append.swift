#if LMDB
import AfterCommit
import Foundation
import Logging

extension WriteGroup {
    /// Stores events: in the log, or among the delayed ones. Room was checked before.
    /// - Returns: their ids, those of the first events where a deduplication key is known.
    /// - Throws: `EmitError` for a key that stands for another payload; nothing is stored then.
    func append(_ events: borrowing EncodedEvents) throws -> [EventID] {
        let known = try store(events)
        let ids = events.ids
        return known.isEmpty ? ids : ids.enumerated().map { known[$0.offset] ?? $0.element }
    }

    /// The same.
    /// - Returns: the ids of the first events where a deduplication key is known, by position.
    @discardableResult
    func store(_ events: borrowing EncodedEvents) throws -> [Int: EventID] {
        guard !events.isEmpty else { return [:] }
        var known: [Int: EventID] = [:]
        // The key of another payload refuses these events alone; what fails behind it fails the group.
        if events.hasExceptional {
            let keys = try knownKeys(events)
            if let conflict = keys.firstConflict { throw conflict }
            known = keys.first
        }
        try write(events, except: Set(known.keys))
        return known
    }

    /// Stores those that are not known; one whose key stands for another payload holds up no other.
    func receive(_ events: borrowing EncodedEvents) throws -> ReceiveReport {
        guard !events.isEmpty else { return ReceiveReport() }
        let keys = try knownKeys(events)
        let known = Set(keys.first.keys).union(keys.conflicts.keys)
        // What is known needs no room: a full store can say so of what comes again.
        if known.count < events.count {
            try checkRoom(forFurther: events.storedBytes)
            try write(events, except: known)
        }
        return ReceiveReport(duplicates: keys.first.keys.sorted(), refused: keys.conflicts)
    }

    private func write(_ events: borrowing EncodedEvents, except known: Set<Int>) throws {
        do {
            if events.hasExceptional {
                try store(events, except: known)
            } else {
                try appendToLog(events)
            }
        } catch {
            throw GroupFailure(underlying: error)
        }
        wrote(events.storedBytes)
    }

    private func appendToLog(_ events: borrowing EncodedEvents) throws(StorageError) {
        let (last, recorded) = try placeInLog()
        try context.log(transaction).append(events, behind: last, recordedMilliseconds: recorded)
        appended(events.count, through: last + UInt64(events.count), recorded)
    }

    /// - Returns: the last sequence, and when what comes now is recorded.
    private func placeInLog() throws(StorageError) -> (last: UInt64, recorded: UInt64) {
        let last = if let tail { tail } else { try context.log(transaction).last() }
        let now = context.envelopes.wallClock.now().timeIntervalSince1970 * 1000
        return (last?.sequence ?? 0, max(last?.recordedMilliseconds ?? 0, UInt64(clamping: now)))
    }

    private func appended(_ count: Int, through sequence: UInt64, _ recorded: UInt64) {
        tail = EventLog.Position(sequence: sequence, recordedMilliseconds: recorded)
        appendedCount += count
        change.insert(.claimable)
    }

    /// Appends envelopes behind all others.
    private func appendToLog(
        count: Int, _ body: ((UnsafeRawBufferPointer) throws(StorageError) -> Void) throws(StorageError) -> Void
    ) throws(StorageError) {
        let log = context.log(transaction)
        let (last, recorded) = try placeInLog()
        var sequence = last
        try body { envelope throws(StorageError) in
            sequence += 1
            try log.append(envelope, sequence: sequence, recordedMilliseconds: recorded)
        }
        appended(count, through: sequence, recorded)
    }

    /// Appends one envelope behind all others.
    /// - Returns: its sequence.
    func appendToLog(_ envelope: [UInt8]) throws(StorageError) -> UInt64 {
        try appendToLog(count: 1) { append throws(StorageError) in
            try withBytes(envelope) { bytes throws(StorageError) in try append(bytes) }
        }
        wrote(Space.storedBytes(of: LogRecord.headerBytes + envelope.count))
        return tail?.sequence ?? 0
    }

    /// What is known of the deduplication keys of events, by position.
    private struct KnownKeys {
        /// The ids of the earlier events that keys stand for.
        var first: [Int: EventID] = [:]
        /// Keys that stand for other payloads.
        var conflicts: [Int: EmitError] = [:]

        var firstConflict: EmitError? { conflicts.min { $0.key < $1.key }?.value }
    }

    private func knownKeys(_ events: borrowing EncodedEvents) throws -> KnownKeys {
        let table = context.deduplication(transaction)
        let now = context.envelopes.wallClock.now()
        let ids = events.ids
        var known = KnownKeys()
        var seen: [String: DeduplicationRecord] = [:]
        try events.visit { index, _, exceptional throws(StorageError) in
            guard let key = exceptional?.deduplication else { return }
            let record = if let record = seen[key.key] { record } else { try table.record(key.key) }
            do throws(EmitError) {
                if let first = try record?.firstID(for: key, now: now) {
                    known.first[index] = first
                    return
                }
            } catch {
                known.conflicts[index] = error
                return
            }
            seen[key.key] = DeduplicationRecord(id: ids[index], fingerprint: key.fingerprint, emittedAt: now)
        }
        return known
    }

    private func store(_ events: borrowing EncodedEvents, except known: Set<Int>) throws(StorageError) {
        let now = context.envelopes.wallClock.now()
        let ids = events.ids
        let delayed = context.delayed(transaction)
        let deduplication = context.deduplication(transaction)
        try appendToLog(count: events.count - known.count) { append throws(StorageError) in
            try events.visit { index, envelope, exceptional throws(StorageError) in
                guard !known.contains(index) else { return }
                if let key = exceptional?.deduplication {
                    _ = try deduplication.insert(key, id: ids[index], now: now)
                }
                if let deliverAt = exceptional?.deliverAt, deliverAt > now {
                    try delayed.insert(DelayedTable.Key(deliverAt: deliverAt, id: ids[index]), envelope)
                    change.insert(.delayed)
                } else {
                    try append(envelope)
                }
            }
        }
    }

    /// Moves delayed events whose moment has come to the end of the log.
    /// - Returns: when the next is due.
    func publishDelayed(dueBy now: Date, limit: Int) throws -> Date? {
        try mutate {
            let delayed = context.delayed(transaction)
            var due: [(key: DelayedTable.Key, envelope: [UInt8])] = []
            var damaged: [(key: DelayedTable.Key, bytes: [UInt8])] = []
            try delayed.scan { key, entry throws(StorageError) in
                guard key.deliverAt <= now, due.count < limit else { return false }
                // Copied, because writing moves pages.
                do throws(StorageError) {
                    due.append((key, Array(try entry.content())))
                } catch {
                    damaged.append((key, Array(entry.value)))
                }
                return true
            }
            for (key, bytes) in damaged {
                try quarantine("delayed", key: key.bytes, bytes)
                try delayed.delete(key)
            }
            guard !due.isEmpty else { return try delayed.nextDue() }
            try appendToLog(count: due.count) { append throws(StorageError) in
                for (key, envelope) in due {
                    try withBytes(envelope) { bytes throws(StorageError) in try append(bytes) }
                    try delayed.delete(key)
                }
            }
            return try delayed.nextDue()
        }
    }

    /// Keeps the bytes of a record that cannot be read, out of the way of the others.
    func quarantine(_ table: String, key: [UInt8], _ bytes: [UInt8]) throws(StorageError) {
        try context.quarantine(transaction).keep(table, key: key, bytes)
    }

    /// The id of the event that a deduplication key stands for, read through the transaction that is open innermost.
    func firstID(for key: Emission.Deduplication, in transaction: Transaction) throws -> EventID? {
        try context.deduplication(transaction).record(key.key)?
            .firstID(for: key, now: context.envelopes.wallClock.now())
    }
}
#endif

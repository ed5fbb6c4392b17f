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
        // The key of another payload refuses these events alone; what fails behind it fails the group.
        let keys = events.hasExceptional ? try knownKeys(events) : KnownKeys()
        if let conflict = keys.firstConflict { throw conflict }
        try write(events, keys)
        return keys.first
    }

    /// Stores those that are not known; one whose key stands for another payload holds up no other.
    func receive(_ events: borrowing EncodedEvents) throws -> ReceiveReport {
        guard !events.isEmpty else { return ReceiveReport() }
        let keys = try knownKeys(events)
        // What is known needs no room: a full store can say so of what comes again.
        if keys.count < events.count {
            try checkRoom(forFurther: events.storedBytes)
            try write(events, keys)
        }
        return ReceiveReport(duplicates: keys.first.keys.sorted(), refused: keys.conflicts)
    }

    private func write(_ events: borrowing EncodedEvents, _ keys: KnownKeys) throws {
        do {
            if keys.count == 0, !events.hasDelayed {
                try appendToLog(events)
            } else {
                try store(events, except: keys)
            }
            try remember(keys)
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

    private func store(_ events: borrowing EncodedEvents, except known: KnownKeys) throws(StorageError) {
        let now = context.envelopes.wallClock.now()
        let delayed = context.delayed(transaction)
        try appendToLog(count: events.count - known.count) { append throws(StorageError) in
            for index in 0..<events.count where !known.contains(index) {
                if let deliverAt = events.exceptional(at: index)?.deliverAt, deliverAt > now {
                    try delayed.insert(DelayedTable.Key(deliverAt: deliverAt, id: events.id(at: index)), events[index])
                    change.insert(.delayed)
                } else {
                    try append(events[index])
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
}
#endif

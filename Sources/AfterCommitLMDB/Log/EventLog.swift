#if LMDB
import AfterCommit
import CLMDB

/// The log as one transaction sees it: sequences without a gap from the first that was not trimmed.
struct EventLog {
    struct Position {
        let sequence: UInt64
        let recordedMilliseconds: UInt64
    }

    let transaction: Transaction
    let database: MDB_dbi

    /// `nil` in a store that never had an event: trimming leaves the newest.
    func last() throws(StorageError) -> Position? {
        let cursor = try Cursor(transaction, database)
        return try cursor.last().map { entry throws(StorageError) in try Self.position(entry) }
    }

    func first() throws(StorageError) -> Position? {
        let cursor = try Cursor(transaction, database)
        return try cursor.first().map { entry throws(StorageError) in try Self.position(entry) }
    }

    /// The sequence that the next event gets.
    func tail() throws(StorageError) -> UInt64 {
        let cursor = try Cursor(transaction, database)
        guard let entry = try cursor.last() else { return 1 }
        let (tail, overflows) = try Self.sequence(entry.key).addingReportingOverflow(1)
        guard !overflows else { throw StorageError(.corrupted, "the log's last key is no sequence") }
        return tail
    }

    /// The greatest id among the newest events.
    func newestID() throws(StorageError) -> EventID? {
        guard let last = try last()?.sequence else { return nil }
        var newest: EventID?
        try scan(from: last - min(last, 2_048)) { _, entry throws(StorageError) in
            // Emitters make ids before they queue, so the last record need not have the greatest.
            if let content = try? entry.content(), let id = try? LogRecord.head(content).id {
                newest = max(newest ?? id, id)
            }
            return true
        }
        return newest
    }

    /// The envelope of one event, `nil` where it was trimmed.
    func envelope(_ sequence: UInt64) throws(StorageError) -> Envelope? {
        try withKey(of: sequence) { key throws(StorageError) in
            try transaction.content(key, in: database).map { content throws(StorageError) in
                try LogRecord.envelope(content)
            }
        }
    }

    /// The id of one event, `nil` where it was trimmed.
    func id(_ sequence: UInt64) throws(StorageError) -> EventID? {
        try withKey(of: sequence) { key throws(StorageError) in
            try transaction.content(key, in: database).map { content throws(StorageError) in
                try LogRecord.head(content).id
            }
        }
    }

    /// Writes an encoded envelope behind all others.
    func append(
        _ envelope: UnsafeRawBufferPointer, sequence: UInt64, recordedMilliseconds: UInt64
    ) throws(StorageError) {
        try withKey(of: sequence) { key throws(StorageError) in
            try transaction.put(
                key, in: database, count: LogRecord.timeBytes + envelope.count, flags: MDB_APPEND
            ) { target in
                target.storeBytes(of: recordedMilliseconds.littleEndian, as: UInt64.self)
                UnsafeMutableRawBufferPointer(rebasing: target[LogRecord.timeBytes...])
                    .copyMemory(from: envelope)
            }
        }
    }

    /// Writes encoded envelopes behind all others, from the sequence after `last` on.
    func append(
        _ events: borrowing EncodedEvents, behind last: UInt64, recordedMilliseconds: UInt64
    ) throws(StorageError) {
        let recorded = recordedMilliseconds.littleEndian
        // It stays at the end, so that the way there is not looked for each time.
        let cursor = try Cursor(transaction, database)
        for index in 0..<events.count {
            let envelope = events[index]
            try withKey(of: last + UInt64(index) + 1) { key throws(StorageError) in
                let target = try cursor.append(key, count: LogRecord.headerBytes + envelope.count)
                target.storeBytes(of: recorded, toByteOffset: Record.headerBytes, as: UInt64.self)
                UnsafeMutableRawBufferPointer(rebasing: target[LogRecord.headerBytes...]).copyMemory(from: envelope)
                Record.seal(target, key: key)
            }
        }
    }

    /// Gives records from `start` on, until `body` returns false. The content is not checked yet.
    func scan(
        from start: UInt64, _ body: (UInt64, Cursor.Entry) throws(StorageError) -> Bool
    ) throws(StorageError) {
        let cursor = try Cursor(transaction, database)
        var entry = try withKey(of: start) { key throws(StorageError) in try cursor.seek(key) }
        while let current = entry {
            guard try body(try Self.sequence(current.key), current) else { return }
            entry = try cursor.next()
        }
    }

    /// Where the event is, if it is where its id's time says: the log is searched by time, then `window` to both sides.
    func sequence(of id: EventID, windowMilliseconds window: UInt64) throws(StorageError) -> UInt64? {
        guard let first = try first()?.sequence, let last = try last()?.sequence else { return nil }
        let earliest = id.milliseconds - min(id.milliseconds, window)
        var low = first
        var high = last + 1
        while low < high {
            let middle = low + (high - low) / 2
            if try recordedMilliseconds(middle) < earliest { low = middle + 1 } else { high = middle }
        }
        var found: UInt64?
        try scan(from: low) { sequence, entry throws(StorageError) in
            guard let content = try? entry.content() else { return true }
            let head = try LogRecord.head(content)
            if head.id == id { found = sequence }
            let recorded = try LogRecord.recordedMilliseconds(content)
            return found == nil && recorded <= id.milliseconds + window
        }
        return found
    }

    private func recordedMilliseconds(_ sequence: UInt64) throws(StorageError) -> UInt64 {
        let content = try withKey(of: sequence) { key throws(StorageError) in
            try transaction.content(key, in: database)
        }
        guard let content else { throw StorageError(.corrupted, "event \(sequence) is missing") }
        return try LogRecord.recordedMilliseconds(content)
    }

    static func position(_ entry: Cursor.Entry) throws(StorageError) -> Position {
        // The checksum is not asked here: a damaged record must not stop the log from growing.
        guard entry.value.count >= LogRecord.headerBytes else {
            throw StorageError(.corrupted, "a record of the log is shorter than its header")
        }
        let milliseconds = UInt64(
            littleEndian: entry.value.loadUnaligned(fromByteOffset: Record.headerBytes, as: UInt64.self))
        return Position(sequence: try sequence(entry.key), recordedMilliseconds: milliseconds)
    }

    static func sequence(_ key: UnsafeRawBufferPointer) throws(StorageError) -> UInt64 {
        guard key.count == 8 else {
            throw StorageError(.corrupted, "a key of the log has \(key.count) bytes")
        }
        return UInt64(bigEndian: key.loadUnaligned(as: UInt64.self))
    }
}
#endif

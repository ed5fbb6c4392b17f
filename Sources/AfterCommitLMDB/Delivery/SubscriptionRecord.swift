#if LMDB
import AfterCommit
import CLMDB

/// A subscription as it is stored.
struct SubscriptionRecord {
    var name: String
    var id: UInt32
    /// The first sequence it may be given.
    var start: UInt64
    var settledBelow: UInt64
    var settledAhead: [Range<UInt64>] = []
    var types: EventTypeSelection

    func isSettled(_ sequence: UInt64) -> Bool {
        sequence < settledBelow || settledAhead.contains { $0.contains(sequence) }
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.put(fixed: id)
        writer.put(start)
        writer.put(settledBelow)
        writer.put(UInt64(settledAhead.count))
        for run in settledAhead {
            writer.put(run.lowerBound)
            writer.put(UInt64(run.count))
        }
        writer.put(UInt64(types.patterns.count))
        for pattern in types.patterns { writer.put(pattern.rawValue) }
        return writer.bytes
    }

    init(name: String, id: UInt32, start: UInt64, types: EventTypeSelection) {
        self.name = name
        self.id = id
        self.start = start
        settledBelow = start
        self.types = types
    }

    init(name: String, decoding content: UnsafeRawBufferPointer) throws(StorageError) {
        var reader = ByteReader(content)
        self.name = name
        id = try reader.fixed(UInt32.self)
        start = try reader.integer()
        settledBelow = try reader.integer()
        var end = settledBelow
        for _ in 0..<(try reader.count()) {
            let lower = try reader.integer()
            let (upper, overflows) = lower.addingReportingOverflow(try reader.integer())
            // Sorted, disjoint and never adjacent, as the cursor needs them.
            guard !overflows, upper > lower, lower > end else {
                throw StorageError(.corrupted, "the place of subscription \(name) cannot be read")
            }
            settledAhead.append(lower..<upper)
            end = upper
        }
        var patterns: Set<EventTypePattern> = []
        for _ in 0..<(try reader.count()) { patterns.insert(EventTypePattern(rawValue: try reader.string())) }
        types = EventTypeSelection(patterns)
    }
}

/// The stored subscriptions as one transaction sees them.
struct SubscriptionTable {
    let transaction: Transaction
    let database: MDB_dbi

    func record(_ name: String) throws(StorageError) -> SubscriptionRecord? {
        guard !name.isEmpty else { return nil }
        return try withKey(name) { key throws(StorageError) in
            try transaction.content(key, in: database).map { content throws(StorageError) in
                try SubscriptionRecord(name: name, decoding: content)
            }
        }
    }

    /// All of them, by name.
    func all() throws(StorageError) -> [SubscriptionRecord] {
        var records: [SubscriptionRecord] = []
        let cursor = try Cursor(transaction, database)
        var entry = try cursor.first()
        while let current = entry {
            let name = String(decoding: current.key, as: UTF8.self)
            records.append(try SubscriptionRecord(name: name, decoding: try current.content()))
            entry = try cursor.next()
        }
        return records
    }

    func delete(_ name: String) throws(StorageError) -> Bool {
        try withKey(name) { key throws(StorageError) in try transaction.delete(key, in: database) }
    }

    func put(_ record: SubscriptionRecord) throws(StorageError) {
        try withKey(record.name) { key throws(StorageError) in
            try transaction.put(key, in: database, content: record.encoded())
        }
    }
}
#endif

#if LMDB
import AfterCommit
import CLMDB
import Foundation

/// Reads a part of a store's records in one short transaction, and compares each with what it must agree with.
struct StoreCheck {
    /// One database, and how its records are examined.
    struct Place: Sendable {
        enum Kind: Sendable {
            case facts
            case log
            case subscriptions
            case exceptions
            case due
            case dead
            case delayed
            case quarantine
            /// Anything else: the checksum is all that is known of its records.
            case other
        }

        let name: String
        let database: MDB_dbi
        let kind: Kind
        var table: String?
    }

    /// How far a check has come in a place.
    struct Progress: Sendable {
        var report: StoreReport
        /// The key of the last record that was read; `nil` at the beginning.
        var lastKey: [UInt8]?
        var lastSequence: UInt64?
        var isDone = false
    }

    private static let maxRecords = 500
    private static let maxBytes = 4 << 20

    let context: StoreContext
    let transaction: Transaction
    let place: Place

    static func places(_ context: StoreContext) -> [Place] {
        let databases = context.databases
        let kinds: [MDB_dbi: Place.Kind] = [
            databases.meta: .facts, databases.log: .log, databases.subscriptions: .subscriptions,
            databases.exceptions: .exceptions, databases.due: .due, databases.dead: .dead,
            databases.delayed: .delayed, databases.quarantine: .quarantine,
        ]
        let own = databases.handles.map { Place(name: $0.name, database: $0.number, kind: kinds[$0.number] ?? .other) }
        let tables = context.handles.snapshot.sorted { $0.key < $1.key }.map {
            Place(name: "table \($0.key)", database: $0.value, kind: .other, table: $0.key)
        }
        return own + tables
    }

    /// Reads on from where `progress` stands.
    func advance(_ progress: inout Progress) {
        do throws(StorageError) {
            try read(&progress)
        } catch {
            note(progress.lastKey ?? [], "what follows this key cannot be read: \(error)", &progress.report)
            progress.isDone = true
        }
    }

    private func read(_ progress: inout Progress) throws(StorageError) {
        let cursor = try Cursor(transaction, place.database)
        var entry = try first(after: progress.lastKey, cursor)
        var count = 0
        var bytes = 0
        while let current = entry, count < Self.maxRecords, bytes < Self.maxBytes {
            let key = Array(current.key)
            do throws(StorageError) {
                try examine(current, key, &progress)
            } catch {
                note(key, error.message, &progress.report)
            }
            progress.lastKey = key
            count += 1
            bytes += current.value.count
            entry = try cursor.next()
        }
        progress.isDone = entry == nil
    }

    private func first(after key: [UInt8]?, _ cursor: borrowing Cursor) throws(StorageError) -> Cursor.Entry? {
        guard let key else { return try cursor.first() }
        return try withBytes(key) { bytes throws(StorageError) in
            guard let entry = try cursor.seek(bytes) else { return nil }
            return entry.key.elementsEqual(bytes) ? try cursor.next() : entry
        }
    }

    private func examine(
        _ entry: Cursor.Entry, _ key: [UInt8], _ progress: inout Progress
    ) throws(StorageError) {
        switch place.kind {
        case .facts: _ = try entry.content()
        case .log: try examineEvent(entry, key, &progress)
        case .subscriptions: try examineSubscription(entry, key, &progress.report)
        case .exceptions: try examineException(entry, &progress.report)
        case .due: try examineDue(entry)
        case .dead: try examineDeadLetter(entry, &progress.report)
        case .delayed: try examineDelayed(entry, &progress.report)
        case .quarantine:
            throw StorageError(.corrupted, "it was damaged when it was found, and lies in quarantine")
        case .other:
            if let table = place.table { progress.report.rows[table, default: 0] += 1 }
            try examineRow(entry)
        }
    }

    // MARK: Events and subscriptions

    private func examineEvent(
        _ entry: Cursor.Entry, _ key: [UInt8], _ progress: inout Progress
    ) throws(StorageError) {
        progress.report.events += 1
        let sequence = try EventLog.sequence(entry.key)
        if let last = progress.lastSequence, sequence != last + 1,
            // What was trimmed since the last part is no gap.
            let first = try context.log(transaction).first()?.sequence, first < sequence
        {
            note(key, "the events from \(last + 1) up to it are missing", &progress.report)
        }
        progress.lastSequence = sequence
        _ = try LogRecord.envelope(try entry.content())
    }

    private func examineSubscription(
        _ entry: Cursor.Entry, _ key: [UInt8], _ report: inout StoreReport
    ) throws(StorageError) {
        report.subscriptions += 1
        let name = String(decoding: key, as: UTF8.self)
        let record = try SubscriptionRecord(name: name, decoding: try entry.content())
        let tail = try context.log(transaction).tail()
        guard record.start <= tail, record.settledBelow <= tail,
            record.settledAhead.last.map({ $0.upperBound <= tail }) ?? true
        else { throw StorageError(.corrupted, "its place is behind the end of the log, which is at \(tail)") }
    }

    /// `nil` for the key that keeps a tree from becoming empty.
    func deliveryKey(_ entry: Cursor.Entry) throws(StorageError) -> DeliveryKey? {
        if try isSentinel(entry) { return nil }
        guard let key = DeliveryKey(entry.key) else {
            throw StorageError(.corrupted, "its key has \(entry.key.count) bytes")
        }
        guard key.sequence < (try context.log(transaction).tail()) else {
            throw StorageError(.corrupted, "it is a delivery of an event that was never emitted")
        }
        return key
    }

    func isSentinel(_ entry: Cursor.Entry) throws(StorageError) -> Bool {
        guard entry.key.count == 4, entry.key.allSatisfy({ $0 == 0 }) else { return false }
        _ = try entry.content()
        return true
    }

    func note(_ key: [UInt8], _ problem: String, _ report: inout StoreReport) {
        report.add(StoreReport.Damage(place: place.name, key: Data(key), problem: problem))
    }
}
#endif

import Foundation
import Synchronization

/// Reads the tables of an ``InMemoryStorage``.
public class InMemoryReader: TableReader {
    private let box: MemoryTablesBox
    private var isOpen = true

    init(tables: MemoryTablesBox) {
        box = tables
    }

    func close() {
        isOpen = false
    }

    func tables() throws -> MemoryTablesBox {
        guard isOpen else { throw StorageError.transactionClosed }
        return box
    }

    public func value<Key, Value>(for key: Key, in table: Table<Key, Value>) throws -> Value? {
        let box = try tables()
        try box.tables.open(table)
        return try box.tables.value(for: table.checkedBytes(of: key), in: table.name) as? Value
    }

    public func entries<Key, Value>(
        in table: Table<Key, Value>, after cursor: Key?, limit: Int
    ) throws -> [(key: Key, value: Value)] {
        let box = try tables()
        try box.tables.open(table)
        let start = try cursor.map { try table.checkedBytes(of: $0) }
        return box.tables.entries(in: table.name, after: start, limit: limit).compactMap { entry in
            guard let key = Key(tableKeyBytes: entry.key), let value = entry.value as? Value else {
                return nil
            }
            return (key, value)
        }
    }

    public func count<Key, Value>(of table: Table<Key, Value>) throws -> Int {
        let box = try tables()
        try box.tables.open(table)
        return box.tables.count(of: table.name)
    }
}

/// A transaction of an ``InMemoryStorage``.
public final class InMemoryTransaction: InMemoryReader, TableTransaction {
    private struct Change {
        let table: String
        let key: Data
        let before: (any Sendable)?
    }

    private let storage: InMemoryStorage
    private var changes: [Change] = []
    private(set) var emitted: [Emission] = []

    init(tables: MemoryTablesBox, storage: InMemoryStorage) {
        self.storage = storage
        super.init(tables: tables)
    }

    @discardableResult
    public func emit<E: Event>(_ event: E, options: EmitOptions) throws -> EventID {
        _ = try tables()
        let emission = try storage.envelopes.emission(event, options: options, form: storage.payloadForm)
        if let key = emission.deduplication, let first = try firstID(for: key) { return first }
        emitted.append(emission)
        return emission.envelope.id
    }

    /// The id of the event that the key stands for, in the storage or in this transaction.
    private func firstID(for key: Emission.Deduplication) throws -> EventID? {
        let now = storage.envelopes.wallClock.now()
        if let known = try storage.queue.withLock({ try $0.firstID(for: key, now: now) }) { return known }
        guard let earlier = emitted.first(where: { $0.deduplication?.key == key.key }) else { return nil }
        guard earlier.deduplication == key else {
            throw EmitError.deduplicationConflict(key: key.callersKey, firstID: earlier.envelope.id)
        }
        return earlier.envelope.id
    }

    public func put<Key, Value>(
        _ value: Value, for key: Key, in table: Table<Key, Value>
    ) throws {
        try set(value, for: key, in: table)
    }

    @discardableResult
    public func removeValue<Key, Value>(
        for key: Key, in table: Table<Key, Value>
    ) throws -> Bool {
        try set(nil, for: key, in: table)
    }

    public func savepoint<R>(_ body: () throws -> R) throws -> R {
        _ = try tables()
        let mark = (changes: changes.count, emitted: emitted.count)
        do {
            return try body()
        } catch {
            undo(to: mark.changes)
            emitted.removeSubrange(mark.emitted...)
            throw error
        }
    }

    /// Undoes everything.
    func rollBack() {
        undo(to: 0)
        emitted = []
    }

    @discardableResult
    private func set<Key, Value>(
        _ value: Value?, for key: Key, in table: Table<Key, Value>
    ) throws -> Bool {
        let box = try tables()
        try box.tables.open(table)
        let bytes = try table.checkedBytes(of: key)
        let before = box.tables.set(value, for: bytes, in: table.name)
        changes.append(Change(table: table.name, key: bytes, before: before))
        return before != nil
    }

    private func undo(to count: Int) {
        guard let box = try? tables() else { return }
        for change in changes[count...].reversed() {
            _ = box.tables.set(change.before, for: change.key, in: change.table)
        }
        changes.removeSubrange(count...)
    }
}

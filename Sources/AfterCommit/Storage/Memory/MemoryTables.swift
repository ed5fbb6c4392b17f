import Foundation
import Synchronization

/// The user's tables of an in-memory storage.
struct MemoryTables {
    private struct Entries {
        let valueType: ObjectIdentifier
        var values: [Data: any Sendable] = [:]
        var sortedKeys: [Data]?
    }

    private var tables: [String: Entries] = [:]

    func value(for key: Data, in table: String) -> (any Sendable)? {
        tables[table]?.values[key]
    }

    func count(of table: String) -> Int {
        tables[table]?.values.count ?? 0
    }

    /// A name stands for one value type; LMDB would fail to decode another.
    mutating func open<Key, Value>(_ table: Table<Key, Value>) throws {
        let type = ObjectIdentifier(Value.self)
        if let entries = tables[table.name] {
            guard entries.valueType == type else {
                throw StorageError(
                    .invalidTable,
                    "table \(table.name) holds another type than \(Value.self); use one name for one type")
            }
        } else {
            guard (1...200).contains(table.name.utf8.count) else {
                throw StorageError(
                    .invalidTable, "a table's name has 1 to 200 bytes, this one \(table.name.utf8.count)")
            }
            tables[table.name] = Entries(valueType: type)
        }
    }

    /// - Returns: what was there before.
    mutating func set(
        _ value: (any Sendable)?, for key: Data, in table: String
    ) -> (any Sendable)? {
        let old = tables[table]?.values.removeValue(forKey: key)
        if let value { tables[table]?.values[key] = value }
        if (old == nil) != (value == nil) { tables[table]?.sortedKeys = nil }
        return old
    }

    mutating func entries(
        in table: String, after cursor: Data?, limit: Int
    ) -> [(key: Data, value: any Sendable)] {
        guard let entries = tables[table] else { return [] }
        let keys = entries.sortedKeys ?? entries.values.keys.sorted { $0.lexicographicallyPrecedes($1) }
        tables[table]?.sortedKeys = keys
        let remaining = cursor.map { cursor in
            keys.drop { !cursor.lexicographicallyPrecedes($0) }
        }
        return (remaining ?? keys[...]).prefix(max(0, limit)).compactMap { key in
            entries.values[key].map { (key, $0) }
        }
    }
}

/// Runs transactions one after another.
actor MemoryTablesActor {
    enum Outcome<R: Sendable>: Sendable {
        case committed(R, wake: (@Sendable () -> Void)?)
        case full(needed: Int)
    }

    private let tables = MemoryTablesBox()

    /// - Parameter reserved: room granted before; what is not used is given back.
    func run<R: Sendable>(
        _ body: @Sendable (InMemoryTransaction) throws -> R, storage: InMemoryStorage, reserved: Int
    ) throws -> Outcome<R> {
        let transaction = InMemoryTransaction(tables: tables, envelopes: storage.envelopes)
        defer { transaction.close() }
        let result: R
        do {
            try Task.checkCancellation()
            result = try body(transaction)
        } catch {
            transaction.rollBack()
            storage.resume(
                storage.queue.withLock {
                    _ = $0.append([], reserved: reserved)
                    return $0.grantRoom()
                })
            throw error
        }
        let emitted = transaction.emitted
        let (appended, wake, ready) = storage.queue.withLock {
            ($0.append(emitted, reserved: reserved), $0.wake, $0.grantRoom())
        }
        storage.resume(ready)
        guard appended else {
            transaction.rollBack()
            return .full(needed: emitted.count)
        }
        return .committed(result, wake: emitted.isEmpty ? nil : wake)
    }

    func read<R: Sendable>(_ body: @Sendable (InMemoryReader) throws -> R) throws -> R {
        try Task.checkCancellation()
        let reader = InMemoryReader(tables: tables)
        defer { reader.close() }
        return try body(reader)
    }
}

/// Shares the tables between the actor and the transaction it runs; only that actor reaches it.
final class MemoryTablesBox {
    var tables = MemoryTables()
}

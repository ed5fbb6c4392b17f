package import Foundation

/// Reads typed tables: a transaction does, and a read of a storage.
public protocol TableReader: AnyObject {
    /// The value of `key`, or `nil` where there is none.
    func value<Key, Value>(for key: Key, in table: Table<Key, Value>) throws -> Value?

    /// Up to `limit` entries in the order of their keys, from the first key after `cursor` (from the beginning when `nil`).
    func entries<Key, Value>(
        in table: Table<Key, Value>, after cursor: Key?, limit: Int
    ) throws -> [(key: Key, value: Value)]

    /// How many entries the table has.
    func count<Key, Value>(of table: Table<Key, Value>) throws -> Int
}

/// A transaction over typed tables. Memory and LMDB both offer it, so that one adapter serves both.
public protocol TableTransaction: StorageTransaction, TableReader {
    /// Writes `value` under `key`, in place of what was there.
    func put<Key, Value>(_ value: Value, for key: Key, in table: Table<Key, Value>) throws

    /// Removes `key`.
    /// - Returns: whether it was there.
    @discardableResult
    func removeValue<Key, Value>(for key: Key, in table: Table<Key, Value>) throws -> Bool
}

extension TableTransaction {
    /// Writes `value` under a key that must be new.
    /// - Throws: ``StorageError/duplicateKey(table:)`` where the key is there already.
    public func insert<Key, Value>(
        _ value: Value, for key: Key, in table: Table<Key, Value>
    ) throws {
        guard try self.value(for: key, in: table) == nil else {
            throw StorageError.duplicateKey(table: table.name)
        }
        try put(value, for: key, in: table)
    }
}

/// A storage with typed tables that can also be read without a transaction.
public protocol TableStorage: TransactionalStorage where Transaction: TableTransaction {
    associatedtype Reader: TableReader

    /// Reads a consistent snapshot; it neither waits for writers nor stops them.
    func read<R: Sendable>(_ body: @escaping @Sendable (Reader) throws -> R) async throws -> R
}

extension Table {
    /// The longest key, in bytes.
    package static var maxKeyBytes: Int { 400 }

    /// The bytes of `key`, checked.
    package func checkedBytes(of key: Key) throws -> Data {
        let bytes = key.tableKeyBytes
        guard (1...Self.maxKeyBytes).contains(bytes.count) else {
            throw StorageError.keyLength(table: name, bytes: bytes.count, limit: Self.maxKeyBytes)
        }
        return bytes
    }
}

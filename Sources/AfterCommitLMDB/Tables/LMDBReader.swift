#if LMDB
public import AfterCommit
import CLMDB

/// Reads the tables of an ``LMDBStorage`` as they were when the read began.
public final class LMDBReader: TableReader {
    private let transaction: Transaction
    private let handles: TableHandles
    private let databases: [String: MDB_dbi]
    private var isOpen = true

    init(transaction: Transaction, handles: TableHandles, databases: [String: MDB_dbi]) {
        self.transaction = transaction
        self.handles = handles
        self.databases = databases
    }

    func close() {
        isOpen = false
    }

    public func value<Key, Value>(for key: Key, in table: Table<Key, Value>) throws -> Value? {
        guard let access = try access(table) else {
            _ = try table.checkedBytes(of: key)
            return nil
        }
        return try access.value(for: key, in: table)
    }

    public func entries<Key, Value>(
        in table: Table<Key, Value>, after cursor: Key?, limit: Int
    ) throws -> [(key: Key, value: Value)] {
        try access(table)?.entries(in: table, after: cursor, limit: limit) ?? []
    }

    public func count<Key, Value>(of table: Table<Key, Value>) throws -> Int {
        try access(table)?.count() ?? 0
    }

    /// `nil` for a table that nothing was ever written to.
    private func access<Key, Value>(_ table: Table<Key, Value>) throws -> TableAccess? {
        guard isOpen else { throw StorageError.transactionClosed }
        try handles.check(table)
        return databases[table.name].map { TableAccess(transaction: transaction, database: $0) }
    }
}
#endif

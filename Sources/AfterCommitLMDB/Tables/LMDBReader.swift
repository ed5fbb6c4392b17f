#if LMDB
public import AfterCommit
import CLMDB

/// Reads the tables of an ``LMDBStorage`` as they were when the read began.
public final class LMDBReader: TableReader {
    private let transaction: Transaction
    private let handles: TableHandles
    private let databases: [String: MDB_dbi]
    private var isOpen = true
    /// A table that another process has made and that must be opened first; then the body runs again.
    private(set) var unopenedTable: String?

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
    func access<Key, Value>(_ table: Table<Key, Value>) throws -> TableAccess? {
        guard isOpen else { throw StorageError.transactionClosed }
        try handles.check(table)
        if let database = databases[table.name] {
            return TableAccess(transaction: transaction, database: database)
        }
        guard try TableHandles.exists(table.name, transaction) else { return nil }
        unopenedTable = table.name
        throw UnopenedTable(name: table.name)
    }
}

/// Ends a read that met a table of another process; the user never sees it.
struct UnopenedTable: Error {
    let name: String
}
#endif

#if LMDB
import AfterCommit
import CLMDB
import Foundation

/// Reads one table of the user's in one transaction.
struct TableAccess {
    let transaction: Transaction
    let database: MDB_dbi

    func value<Key, Value>(for key: Key, in table: Table<Key, Value>) throws -> Value? {
        let bytes = try table.checkedBytes(of: key)
        let content = try bytes.withUnsafeBytes { key in
            try transaction.content(key, in: database).map { Data($0) }
        }
        return try content.map { try table.decode($0) }
    }

    func entries<Key, Value>(
        in table: Table<Key, Value>, after key: Key?, limit: Int
    ) throws -> [(key: Key, value: Value)] {
        guard limit > 0 else { return [] }
        let start = try key.map { try table.checkedBytes(of: $0) }
        let cursor = try Cursor(transaction, database)
        var entry: Cursor.Entry?
        if let start {
            entry = try start.withUnsafeBytes { try cursor.seek($0) }
            if let found = entry, found.key.elementsEqual(start) { entry = try cursor.next() }
        } else {
            entry = try cursor.first()
        }
        var entries: [(key: Key, value: Value)] = []
        while let current = entry, entries.count < limit {
            guard let key = Key(tableKeyBytes: Data(current.key)) else {
                throw StorageError(.invalidTable, "table \(table.name) has keys of another type")
            }
            entries.append((key, try table.decode(Data(try current.content()))))
            entry = try cursor.next()
        }
        return entries
    }

    func count() throws -> Int {
        Int(try transaction.statistics(of: database).ms_entries)
    }
}
#endif

#if LMDB
import AfterCommit
import CLMDB

/// The user's tables that are open, and the types each is used with.
final class TableHandles: Sendable {
    private struct Types: Equatable {
        let key: ObjectIdentifier
        let value: ObjectIdentifier
    }

    private struct State {
        var databases: [String: MDB_dbi] = [:]
        var types: [String: Types] = [:]
    }

    private static let prefix = "t:"
    private let state = Locked(State())

    /// The handles at this moment. A transaction begun after this call may use each of them.
    var snapshot: [String: MDB_dbi] { state.withLock(\.databases) }

    /// All that are open, as LMDB knows them.
    var stored: [(name: String, number: MDB_dbi)] {
        snapshot.map { (Self.prefix + $0.key, $0.value) }
    }

    func install(_ opened: [String: MDB_dbi]) {
        state.withLock { $0.databases.merge(opened) { _, new in new } }
    }

    /// Refuses a name that cannot be one, or that is used with other types.
    func check<Key, Value>(_ table: Table<Key, Value>) throws(StorageError) {
        let types = Types(key: ObjectIdentifier(Key.self), value: ObjectIdentifier(Value.self))
        let known = state.withLock { $0.types[table.name] }
        if known == types { return }
        try table.checkName()
        let first = state.withLock { state in
            if let first = state.types[table.name] { return first }
            state.types[table.name] = types
            return types
        }
        guard first == types else {
            throw StorageError(.invalidTable, "table \(table.name) is used with other types already")
        }
    }

    /// Opens the tables that are in the store. At opening only: no other transaction may be open in this process.
    func openAll(_ transaction: Transaction) throws(StorageError) {
        // All names are read first, so that no handle is opened under a cursor.
        for name in try Self.names(transaction) {
            let database = try Databases.open(name, transaction, create: false)
            install([String(name.dropFirst(Self.prefix.count)): database])
        }
    }

    /// Opens one that another process has made. No other transaction may be open in this process.
    func open(_ name: String, _ transaction: Transaction) throws(StorageError) {
        install([name: try Databases.open(Self.prefix + name, transaction, create: false)])
    }

    /// Whether the store has the table, open here or not.
    static func exists(_ name: String, _ transaction: Transaction) throws(StorageError) -> Bool {
        let main = try Databases.main(transaction)
        return try withKey(prefix + name) { key throws(StorageError) in
            try transaction.stored(key, in: main) != nil
        }
    }

    private static func names(_ transaction: Transaction) throws(StorageError) -> [String] {
        var names: [String] = []
        let cursor = try Cursor(transaction, try Databases.main(transaction))
        var entry = try cursor.first()
        while let current = entry {
            let name = String(decoding: current.key, as: UTF8.self)
            if name.hasPrefix(prefix) { names.append(name) }
            entry = try cursor.next()
        }
        return names
    }

    static func create(_ name: String, _ transaction: Transaction) throws(StorageError) -> MDB_dbi {
        try Databases.open(prefix + name, transaction, create: true)
    }
}

extension Databases {
    /// LMDB's list of databases.
    fileprivate static func main(_ transaction: Transaction) throws(StorageError) -> MDB_dbi {
        var database: MDB_dbi = 0
        try check(mdb_dbi_open(transaction.pointer, nil, 0, &database), "mdb_dbi_open")
        return database
    }
}
#endif

#if LMDB
import AfterCommit
import CLMDB

/// Walks a database in the order of its keys. It must end before its transaction does.
struct Cursor: ~Copyable {
    struct Entry {
        let key: UnsafeRawBufferPointer
        /// As stored, header included.
        let value: UnsafeRawBufferPointer

        /// The checked content.
        func content() throws(StorageError) -> UnsafeRawBufferPointer {
            try Record.content(of: value, key: key)
        }
    }

    private let pointer: OpaquePointer

    init(_ transaction: Transaction, _ database: MDB_dbi) throws(StorageError) {
        var cursor: OpaquePointer?
        try check(mdb_cursor_open(transaction.pointer, database, &cursor), "mdb_cursor_open")
        guard let cursor else { throw StorageError(.systemFailure, "LMDB gave no cursor") }
        pointer = cursor
    }

    deinit {
        mdb_cursor_close(pointer)
    }

    func first() throws(StorageError) -> Entry? { try move(MDB_FIRST) }
    func last() throws(StorageError) -> Entry? { try move(MDB_LAST) }
    func next() throws(StorageError) -> Entry? { try move(MDB_NEXT) }

    /// The first entry whose key is not below `key`.
    func seek(_ key: UnsafeRawBufferPointer) throws(StorageError) -> Entry? {
        try move(MDB_SET_RANGE, key: MDB_val(key))
    }

    /// Makes room for a value behind all others, to be filled and sealed before anything else is done.
    func append(
        _ key: UnsafeRawBufferPointer, count: Int
    ) throws(StorageError) -> UnsafeMutableRawBufferPointer {
        var key = MDB_val(key)
        var value = MDB_val(mv_size: count, mv_data: nil)
        try check(mdb_cursor_put(pointer, &key, &value, UInt32(MDB_APPEND | MDB_RESERVE)), "mdb_cursor_put")
        return UnsafeMutableRawBufferPointer(start: value.mv_data, count: value.mv_size)
    }

    /// Deletes the entry it stands on; `next` then gives the one after it.
    func delete() throws(StorageError) {
        try check(mdb_cursor_del(pointer, 0), "mdb_cursor_del")
    }

    private func move(
        _ operation: MDB_cursor_op, key: MDB_val = MDB_val()
    ) throws(StorageError) -> Entry? {
        var key = key
        var value = MDB_val()
        let code = mdb_cursor_get(pointer, &key, &value, operation)
        if code == MDB_NOTFOUND { return nil }
        try check(code, "mdb_cursor_get")
        return Entry(key: UnsafeRawBufferPointer(key), value: UnsafeRawBufferPointer(value))
    }
}
#endif

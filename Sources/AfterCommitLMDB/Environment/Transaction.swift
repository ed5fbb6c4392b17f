#if LMDB
import AfterCommit
import CLMDB

/// An LMDB transaction. Whoever began it ends it, once, with `commit` or `abort`.
struct Transaction {
    let pointer: OpaquePointer

    /// A write transaction's own id, or the snapshot's that is read.
    var id: UInt64 { UInt64(mdb_txn_id(pointer)) }

    /// Frees the transaction even when it throws: never abort after it.
    func commit() throws(StorageError) {
        try check(mdb_txn_commit(pointer), "mdb_txn_commit")
    }

    func abort() {
        mdb_txn_abort(pointer)
    }

    /// The value as it is stored, header included; valid until the transaction's next write or end.
    func stored(
        _ key: UnsafeRawBufferPointer, in database: MDB_dbi
    ) throws(StorageError) -> UnsafeRawBufferPointer? {
        var key = MDB_val(key)
        var value = MDB_val()
        let code = mdb_get(pointer, database, &key, &value)
        if code == MDB_NOTFOUND { return nil }
        try check(code, "mdb_get")
        return UnsafeRawBufferPointer(value)
    }

    /// The checked content of the value of `key`.
    func content(
        _ key: UnsafeRawBufferPointer, in database: MDB_dbi
    ) throws(StorageError) -> UnsafeRawBufferPointer? {
        guard let value = try stored(key, in: database) else { return nil }
        return try Record.content(of: value, key: key)
    }

    /// Writes a record of `count` content bytes, which `fill` puts in place.
    func put(
        _ key: UnsafeRawBufferPointer, in database: MDB_dbi, count: Int, flags: Int32 = 0,
        fill: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(StorageError) {
        var keyValue = MDB_val(key)
        var value = MDB_val(mv_size: Record.headerBytes + count, mv_data: nil)
        try check(
            mdb_put(pointer, database, &keyValue, &value, UInt32(MDB_RESERVE | flags)), "mdb_put")
        let target = UnsafeMutableRawBufferPointer(start: value.mv_data, count: value.mv_size)
        fill(UnsafeMutableRawBufferPointer(rebasing: target[Record.headerBytes...]))
        Record.seal(target, key: key)
    }

    func put(
        _ key: UnsafeRawBufferPointer, in database: MDB_dbi, content: [UInt8]
    ) throws(StorageError) {
        try put(key, in: database, count: content.count) { $0.copyBytes(from: content) }
    }

    /// - Returns: whether the key was there.
    func delete(
        _ key: UnsafeRawBufferPointer, in database: MDB_dbi
    ) throws(StorageError) -> Bool {
        var key = MDB_val(key)
        let code = mdb_del(pointer, database, &key, nil)
        if code == MDB_NOTFOUND { return false }
        try check(code, "mdb_del")
        return true
    }

    func statistics(of database: MDB_dbi) throws(StorageError) -> MDB_stat {
        var statistics = MDB_stat()
        try check(mdb_stat(pointer, database, &statistics), "mdb_stat")
        return statistics
    }
}

extension MDB_val {
    /// LMDB does not write through the pointer: the argument is an input there.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.init(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }
}

extension UnsafeRawBufferPointer {
    init(_ value: MDB_val) {
        self.init(start: value.mv_data, count: value.mv_size)
    }
}
#endif

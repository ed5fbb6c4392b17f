#if LMDB
import AfterCommit
import AfterCommitLMDB
import CLMDB
import Foundation

/// The ceiling: liblmdb called in a loop on the calling thread, with prepared bytes, in as many trees as the product needs.
///
/// Flags, record bytes and number of commits are the product's; threads, encoding, checksums and promises are not there.
final class BareStore {
    let folder: URL
    private let record: [UInt8]
    private let environment: OpaquePointer
    private var log: MDB_dbi = 0
    private var places: MDB_dbi = 0
    private var rows: MDB_dbi = 0
    private var received: MDB_dbi = 0
    private var sequence: UInt64 = 0
    private var place = [UInt8](repeating: 0, count: 64)
    private let row = [UInt8](repeating: 7, count: BusinessLines.rowBytes + BareStore.headerBytes)
    private var random = Xoshiro256(seed: 1)

    /// Checksum and format byte, in front of every value of the product.
    private static let headerBytes = 5

    init(record: [UInt8]) throws {
        self.record = record
        folder = try Scratch.folder("bare")
        environment = try Self.open(folder.path)
        try write { transaction in
            try check(mdb_dbi_open(transaction, "log", UInt32(MDB_CREATE), &log))
            try check(mdb_dbi_open(transaction, "places", UInt32(MDB_CREATE), &places))
            try check(mdb_dbi_open(transaction, "rows", UInt32(MDB_CREATE), &rows))
            try check(mdb_dbi_open(transaction, "received", UInt32(MDB_CREATE), &received))
        }
    }

    /// No transaction may be open.
    func close() throws {
        mdb_env_close(environment)
        try Scratch.remove(folder)
    }

    // MARK: Loops

    func append(_ count: Int, commits: Int) throws {
        try inCommits(count, commits) { transaction, count in
            for _ in 0..<count { try appendOne(transaction) }
        }
    }

    /// What an emit and its settlement need at least: the record, and the subscription's place once in each commit.
    func appendAndSettle(_ count: Int, commits: Int) throws {
        try inCommits(count, commits) { transaction, count in
            for _ in 0..<count { try appendOne(transaction) }
            try putPlace(transaction)
        }
    }

    /// Each row in a child transaction, so that it could be taken back alone, and a record beside it.
    func writeRows(_ count: Int, commits: Int) throws {
        try inCommits(count, commits) { transaction, count in
            for _ in 0..<count {
                var child: OpaquePointer?
                try check(mdb_txn_begin(environment, transaction, 0, &child))
                var key = (random.next(), random.next())
                try withUnsafeMutableBytes(of: &key) { try put($0, row, in: rows, child, flags: 0) }
                try check(mdb_txn_commit(child))
                try appendOne(transaction)
            }
        }
    }

    /// What an inbox needs at least, in one commit: each record, and its id, by which it is known when it comes again.
    func receive(_ ids: [UInt64]) throws {
        try write { transaction in
            for id in ids {
                try appendOne(transaction)
                var id = (UInt64.zero, id.bigEndian)
                try withUnsafeMutableBytes(of: &id) {
                    try put($0, place, in: received, transaction, flags: MDB_NOOVERWRITE)
                }
            }
        }
    }

    /// Reads the first `count` records in order, `commits` times noting the place.
    /// - Returns: a sum over the records' bytes, so that they are read.
    func drain(_ count: Int, commits: Int) throws -> UInt64 {
        var next: UInt64 = 1
        var sum: UInt64 = 0
        for commit in 0..<commits {
            let share = count.share(commit, of: commits)
            var reading: OpaquePointer?
            try check(mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &reading))
            defer { mdb_txn_abort(reading) }
            var cursor: OpaquePointer?
            try check(mdb_cursor_open(reading, log, &cursor))
            defer { mdb_cursor_close(cursor) }
            var value = MDB_val()
            for index in 0..<share {
                var bytes = next.bigEndian
                try withUnsafeMutableBytes(of: &bytes) { bytes in
                    var key = MDB_val(mv_size: bytes.count, mv_data: bytes.baseAddress)
                    try check(mdb_cursor_get(cursor, &key, &value, index == 0 ? MDB_SET : MDB_NEXT))
                }
                sum &+= UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
                    .loadUnaligned(as: UInt64.self)
                next += 1
            }
            try write { try putPlace($0) }
        }
        return sum
    }

    // MARK: Parts

    private func appendOne(_ transaction: OpaquePointer?) throws {
        sequence += 1
        var key = sequence.bigEndian
        try withUnsafeMutableBytes(of: &key) {
            try put($0, record, in: log, transaction, flags: MDB_APPEND)
        }
    }

    private func putPlace(_ transaction: OpaquePointer?) throws {
        withUnsafeBytes(of: sequence) { place.replaceSubrange(0..<8, with: $0) }
        var key: UInt64 = 1
        try withUnsafeMutableBytes(of: &key) { try put($0, place, in: places, transaction, flags: 0) }
    }

    private func put(
        _ key: UnsafeMutableRawBufferPointer, _ value: [UInt8], in database: MDB_dbi,
        _ transaction: OpaquePointer?, flags: Int32
    ) throws {
        try value.withUnsafeBytes { bytes in
            var key = MDB_val(mv_size: key.count, mv_data: key.baseAddress)
            // LMDB only reads through the pointer.
            var value = MDB_val(
                mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            try check(mdb_put(transaction, database, &key, &value, UInt32(flags)))
        }
    }

    private func inCommits(
        _ count: Int, _ commits: Int, _ body: (OpaquePointer?, Int) throws -> Void
    ) throws {
        for commit in 0..<commits {
            let share = count.share(commit, of: commits)
            try write { try body($0, share) }
        }
    }

    private func write(_ body: (OpaquePointer?) throws -> Void) throws {
        var transaction: OpaquePointer?
        try check(mdb_txn_begin(environment, nil, 0, &transaction))
        do {
            try body(transaction)
        } catch {
            mdb_txn_abort(transaction)
            throw error
        }
        try check(mdb_txn_commit(transaction))
    }

    private static func open(_ path: String) throws -> OpaquePointer {
        var environment: OpaquePointer?
        try check(mdb_env_create(&environment))
        guard let environment else { throw BenchmarkError("LMDB gave no environment") }
        try check(mdb_env_set_mapsize(environment, 64 << 30))
        try check(mdb_env_set_maxdbs(environment, 8))
        try check(mdb_env_open(environment, path, UInt32(MDB_NOTLS), 0o600))
        return environment
    }

    /// The value of the newest record in a store of the product, which must be closed.
    static func newestRecord(ofStoreAt path: String) throws -> [UInt8] {
        let environment = try open(path)
        defer { mdb_env_close(environment) }
        var transaction: OpaquePointer?
        try check(mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &transaction))
        defer { mdb_txn_abort(transaction) }
        var log: MDB_dbi = 0
        try check(mdb_dbi_open(transaction, "log", 0, &log))
        var cursor: OpaquePointer?
        try check(mdb_cursor_open(transaction, log, &cursor))
        defer { mdb_cursor_close(cursor) }
        var key = MDB_val()
        var value = MDB_val()
        try check(mdb_cursor_get(cursor, &key, &value, MDB_LAST))
        return Array(UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size))
    }
}

private func check(_ code: Int32) throws {
    guard code == MDB_SUCCESS else {
        throw BenchmarkError("the bare loop failed: \(String(cString: mdb_strerror(code)))")
    }
}
#endif

#if LMDB
import AfterCommit
import CLMDB
import Foundation
import Synchronization

/// An open LMDB environment. It closes when told to, or with its last user.
final class Environment: Sendable {
    let pageBytes: Int
    /// Whoever uses the environment goes through it.
    let gate = Gate()
    private let folder: String
    private let maxDatabases: Int
    private let processID = getpid()
    /// The environment's address; zero when closed.
    private let address: Atomic<UInt>
    /// Given up after the environment is closed: two environments of one store in a process break LMDB's locks.
    private let openStore: OpenStore?

    init(
        folder: String, holding openStore: OpenStore? = nil, mapBytes wanted: Int, maxDatabases: Int
    ) throws(StorageError) {
        self.openStore = openStore
        self.folder = folder
        self.maxDatabases = maxDatabases
        let opened = try Self.open(folder: folder, reserving: wanted, maxDatabases: maxDatabases)
        var statistics = MDB_stat()
        let code = mdb_env_stat(opened, &statistics)
        pageBytes = Int(statistics.ms_psize)
        address = Atomic(UInt(bitPattern: opened))
        try check(code, "mdb_env_stat")
    }

    deinit {
        close()
    }

    /// Waits until no one uses it, then closes it.
    func close() {
        gate.alone {
            let address = address.exchange(0, ordering: .acquiringAndReleasing)
            if let environment = OpaquePointer(bitPattern: address) { mdb_env_close(environment) }
        }
        openStore?.release()
    }

    /// A process that was forked shares the file but none of the locks.
    func checkProcess() throws(StorageError) {
        guard getpid() == processID else {
            throw StorageError(
                .systemFailure, "the storage was opened before a fork; open another one in the child process")
        }
    }

    func beginRead() throws(StorageError) -> Transaction {
        try begin(parent: nil, flags: MDB_RDONLY)
    }

    func beginWrite(parent: Transaction? = nil) throws(StorageError) -> Transaction {
        try begin(parent: parent, flags: 0)
    }

    private func begin(parent: Transaction?, flags: Int32) throws(StorageError) -> Transaction {
        try checkProcess()
        var transaction: OpaquePointer?
        try check(
            mdb_txn_begin(try pointer(), parent?.pointer, UInt32(flags), &transaction), "mdb_txn_begin")
        guard let transaction else { throw StorageError(.systemFailure, "LMDB gave no transaction") }
        return Transaction(pointer: transaction)
    }

    /// Bytes up to the end of the last page in use, of the last commit.
    func highWaterBytes() throws(StorageError) -> Int {
        (try info().me_last_pgno + 1) * pageBytes
    }

    /// The id of the last transaction that was committed, by whichever process.
    func lastTransactionID() throws(StorageError) -> UInt64 {
        UInt64(try info().me_last_txnid)
    }

    /// How much of the file this process can see at most.
    func mapBytes() throws(StorageError) -> Int {
        try info().me_mapsize
    }

    private func info() throws(StorageError) -> MDB_envinfo {
        var info = MDB_envinfo()
        try check(mdb_env_info(try pointer(), &info), "mdb_env_info")
        return info
    }

    /// Frees the places of readers whose process has died: they keep pages from being used again.
    @discardableResult
    func clearDeadReaders() throws(StorageError) -> Int {
        var count: Int32 = 0
        try check(mdb_reader_check(try pointer(), &count), "mdb_reader_check")
        return Int(count)
    }

    /// The data file's descriptor; it lives as long as the environment is open.
    func dataFile() throws(StorageError) -> Int32 {
        var descriptor: mdb_filehandle_t = -1
        try check(mdb_env_get_fd(try pointer(), &descriptor), "mdb_env_get_fd")
        return descriptor
    }

    /// For calls of an extension.
    func pointer() throws(StorageError) -> OpaquePointer {
        guard let pointer = OpaquePointer(bitPattern: address.load(ordering: .acquiring)) else {
            throw StorageError.closed
        }
        return pointer
    }

    /// Closes it and opens it again in its place. It must be called alone, see ``gate``.
    func replace(reserving mapBytes: Int) throws(StorageError) {
        try checkProcess()
        let old = address.exchange(0, ordering: .acquiringAndReleasing)
        guard let old = OpaquePointer(bitPattern: old) else { throw StorageError.closed }
        mdb_env_close(old)
        try DataFile.check(folder + "/" + DataFile.name)
        let new = try Self.open(folder: folder, reserving: mapBytes, maxDatabases: maxDatabases)
        address.store(UInt(bitPattern: new), ordering: .releasing)
    }

    private static func open(
        folder: String, reserving wanted: Int, maxDatabases: Int
    ) throws(StorageError) -> OpaquePointer {
        var mapBytes = wanted
        while true {
            do throws(StorageError) {
                return try open(folder: folder, mapBytes: mapBytes, maxDatabases: maxDatabases)
            } catch {
                // Address space is limited (`ulimit -v`, some containers): reserve less.
                guard error.lmdbError?.code == ENOMEM, mapBytes > 16 << 20 else { throw error }
                mapBytes /= 2
            }
        }
    }

    private static func open(
        folder: String, mapBytes: Int, maxDatabases: Int
    ) throws(StorageError) -> OpaquePointer {
        var environment: OpaquePointer?
        try check(mdb_env_create(&environment), "mdb_env_create")
        guard let environment else { throw StorageError(.systemFailure, "LMDB gave no environment") }
        do throws(StorageError) {
            try check(mdb_env_set_mapsize(environment, mapBytes), "mdb_env_set_mapsize")
            try check(mdb_env_set_maxdbs(environment, UInt32(maxDatabases)), "mdb_env_set_maxdbs")
            // Tasks change threads, so readers must not be tied to them. Full sync is LMDB's default.
            try check(mdb_env_open(environment, folder, UInt32(MDB_NOTLS), 0o600), "mdb_env_open")
        } catch {
            mdb_env_close(environment)
            throw error
        }
        return environment
    }
}
#endif

#if LMDB
import AfterCommit
import CLMDB
import Foundation

/// What LMDB answered, kept as the cause of a `StorageError`.
struct LMDBError: Error, Hashable, CustomStringConvertible {
    let code: Int32
    let operation: String

    var description: String {
        "\(operation): \(String(cString: mdb_strerror(code))) [\(code)]"
    }

    /// There is no room: in the map, on the disk, or in the quota.
    var isFull: Bool { code == MDB_MAP_FULL || code == ENOSPC || code == EDQUOT }

    /// What the disk holds is unknown now, so nothing more may be written through this environment.
    var leavesUnknownState: Bool { code == EIO || code == MDB_PANIC || code == MDB_CORRUPTED }
}

extension StorageError {
    init(_ error: LMDBError) {
        if error.isFull {
            self.init(
                .storageFull, "there is no room to write: free disk space, or raise `maxBytes`", cause: error)
        } else if error.code == MDB_CORRUPTED || error.code == MDB_PAGE_NOTFOUND {
            self.init(.corrupted, "the data file is damaged; restore it from a backup", cause: error)
        } else if error.code == MDB_DBS_FULL {
            self.init(.invalidTable, "there are too many tables; raise `maxTables`", cause: error)
        } else {
            self.init(.systemFailure, "LMDB failed", cause: error)
        }
    }

    /// What LMDB answered, where it is the cause.
    var lmdbError: LMDBError? { cause as? LMDBError }
}

/// Throws for every return code but success.
@inline(__always)
func check(_ code: Int32, _ operation: @autoclosure () -> String) throws(StorageError) {
    guard code != MDB_SUCCESS else { return }
    throw StorageError(LMDBError(code: code, operation: operation()))
}
#endif

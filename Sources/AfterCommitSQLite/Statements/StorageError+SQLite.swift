#if SQLite
import AfterCommit
import GRDB

extension StorageError {
    /// What SQLite's failure means to a caller, its own error kept; others are left as they are.
    static func mapped(_ error: any Error) -> any Error {
        guard let cause = error as? DatabaseError else { return error }
        switch cause.resultCode {
        case .SQLITE_FULL:
            return StorageError(.storageFull, "the disk is full; free disk space, then try again", cause: cause)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return StorageError(
                .storeBusy,
                "another connection has been writing to the database for too long; end its transaction, or raise `busyTimeout`",
                cause: cause)
        case .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_NOMEM, .SQLITE_PROTOCOL:
            return StorageError(
                .systemFailure, "the system failed below the database; look at its disk and its permissions",
                cause: cause)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            return StorageError(
                .corrupted,
                "the database is damaged; restore it from a backup, or save what `.recover` of sqlite3 finds",
                cause: cause)
        default: return error
        }
    }

    /// The same for what only the engine does: whatever fails there is a storage's error.
    static func mappedOwn(_ error: any Error) -> any Error {
        let mapped = mapped(error)
        guard let cause = mapped as? DatabaseError else { return mapped }
        return StorageError(.systemFailure, "the database refused a statement of the outbox's", cause: cause)
    }
}
#endif

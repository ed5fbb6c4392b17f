#if LMDB
import AfterCommit
import CLMDB

/// What a group's failure asks for, before its requests are run again or told.
enum WriteRecovery: Equatable {
    /// Another process has made the store larger than this process's map: take its size over, and run the group again.
    case adoptMapSize
    /// There is no room: make the map larger if that is allowed, then run each request alone, in order.
    case makeRoom
    /// Nothing was tried or nothing can be: tell all, now. Running each alone would only wait again.
    case refuse
    /// What the disk holds is unknown: tell all, and open the environment again before the next write. Nothing is run again,
    /// because a flush that failed must never be repeated: the system may have dropped the pages and would report success.
    case reopen
    /// One of them was too much or wrong: each gets its own transaction, in order.
    case separate

    init(_ error: any Error) {
        let error = (error as? GroupFailure)?.underlying ?? error
        guard let error = error as? StorageError else {
            self = .separate
            return
        }
        switch error.code {
        case .storeBusy, .closed: self = .refuse
        default:
            guard let cause = error.lmdbError else {
                self = .separate
                return
            }
            if cause.code == MDB_MAP_RESIZED {
                self = .adoptMapSize
            } else if cause.isFull {
                self = .makeRoom
            } else {
                self = cause.leavesUnknownState ? .reopen : .separate
            }
        }
    }
}

/// Whether the store may be written to.
struct StoreHealth {
    private enum State {
        case healthy
        /// It was opened again after a failure, and nothing has been committed since.
        case reopened
        case unhealthy(StorageError)
    }

    private var state = State.healthy

    /// Why nothing more is accepted; `nil` while it is.
    var refusal: StorageError? {
        if case .unhealthy(let error) = state { error } else { nil }
    }

    mutating func committed() {
        if case .reopened = state { state = .healthy }
    }

    /// Notes a failure that leaves the disk's state unknown.
    /// - Returns: whether the environment is to be opened again; the second time in a row it is not.
    mutating func failed(_ error: any Error) -> Bool {
        switch state {
        case .healthy:
            state = .reopened
            return true
        case .reopened:
            gaveUp(error)
            return false
        case .unhealthy:
            return false
        }
    }

    /// Notes that the environment cannot be opened again.
    mutating func gaveUp(_ error: any Error) {
        state = .unhealthy(
            StorageError(
                .unhealthy,
                "writes to the store's disk fail, so it accepts no more; look at the disk, then open the storage again",
                cause: error))
    }
}
#endif

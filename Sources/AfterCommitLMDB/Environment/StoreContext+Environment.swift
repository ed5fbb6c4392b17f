#if LMDB
import AfterCommit
import CLMDB
import Logging

/// What needs the environment alone. None of it may be called from inside ``Gate/shared(_:)``.
extension StoreContext {
    /// Runs `body` while the environment stays as it is. Where another process has changed what this one must know first,
    /// `body` runs again after that.
    func using<R>(_ body: (StoreContext) throws -> R) throws -> R {
        while true {
            do {
                return try environment.gate.shared { try body(self) }
            } catch let error as StorageError where error.lmdbError?.code == MDB_MAP_RESIZED {
                try adoptMapSize()
            } catch let missing as UnopenedTable {
                try openTable(missing.name)
            }
        }
    }

    /// Closes the environment and opens it again in place. The store's registration and its locks are kept, and so are
    /// the numbers of all handles.
    func reopen() throws(StorageError) {
        try environment.gate.alone { () throws(StorageError) in
            try environment.replace(reserving: try environment.mapBytes())
            try reopenHandles()
        }
    }

    /// Another process has made the store larger than this process's map.
    func adoptMapSize() throws(StorageError) {
        try environment.gate.alone { () throws(StorageError) in
            if case .refused = try environment.adoptMapSize() { try reopenHandles() }
        }
    }

    /// Makes the map hold `bytes`, up to the configured limit.
    /// - Returns: false where the system grants no more.
    func growMap(toHold bytes: Int) throws(StorageError) -> Bool {
        try environment.gate.alone { () throws(StorageError) in
            let before = try environment.mapBytes()
            // The file keeps a part behind the limit for pages that a commit frees only afterwards.
            let limit = max(before, configuration.maxBytes + configuration.maxBytes / 4)
            guard bytes > before, before < limit else { return false }
            if case .refused = try environment.growMap(toHold: bytes, limit: limit) {
                try reopenHandles()
                return false
            }
            return true
        }
    }

    /// Opens a table that another process has made. Handles are opened alone: LMDB demands it.
    func openTable(_ name: String) throws(StorageError) {
        try environment.gate.alone { () throws(StorageError) in
            let transaction = try environment.beginRead()
            do throws(StorageError) {
                try handles.open(name, transaction)
            } catch {
                transaction.abort()
                throw error
            }
            // Committing keeps the handle.
            try transaction.commit()
        }
    }

    /// Lets another process write. The commit before it stands whatever becomes of this.
    func releaseWriter() {
        do throws(StorageError) {
            try writerLock.release()
        } catch {
            logger.critical(
                "other processes cannot write to the store until this one ends",
                metadata: [LogKey.error: "\(error)"])
        }
    }

    /// LMDB numbers handles in the order of their opening, so the same order gives the same numbers.
    private func reopenHandles() throws(StorageError) {
        let known = databases.handles + handles.stored
        let transaction = try environment.beginRead()
        do throws(StorageError) {
            for (name, number) in known.sorted(by: { $0.number < $1.number }) {
                guard try Databases.open(name, transaction, create: false) == number else {
                    throw StorageError(
                        .systemFailure,
                        "the store's databases cannot be opened as they were; open the storage again")
                }
            }
        } catch {
            transaction.abort()
            throw error
        }
        try transaction.commit()
    }
}
#endif

#if LMDB
import AfterCommit
import CLMDB
import Foundation

extension LMDBStorage {
    /// Copies the store, as it is at one moment, into a new store that can be opened like any other.
    ///
    /// Writing and delivering go on meanwhile. Pages that they free are not used again until the copy is made, so that the
    /// store may grow. What needs the store alone waits for the copy, and what comes after that with it: growing the map,
    /// opening the store again after a failed flush, ``close()``. The copy holds everything but what is in flight: opened for delivery, it delivers at least once
    /// whatever was not settled at that moment. It has an identity of its own, so that notes of deliveries in flight that
    /// belong to another store are not taken for its own. Restoring is opening it, or moving it to the store's place
    /// while no process has that open.
    /// - Parameters:
    ///   - path: the folder to make. It must not exist, or be empty; its parent must exist. It appears when the copy is whole
    ///     and on the disk.
    ///   - compacting: whether free pages are left out. Default true. Copying them too takes less time and more room, and
    ///     keeps other writers waiting for a moment at its beginning.
    /// - Throws: `StorageError`: `unsuitablePath`, `storageFull` for the copy's disk, `storeBusy` where another process is
    ///   stopped inside a write transaction, `closed`, `corrupted` or `systemFailure`.
    public func backup(to path: String, compacting: Bool = true) async throws {
        guard !path.isEmpty else {
            throw StorageError(.unsuitablePath, "the path is empty; name the folder that is to hold the backup")
        }
        let context = context
        let target = URL(fileURLWithPath: path).standardizedFileURL.path
        try context.environment.checkProcess()
        try await onOwnThread("lmdb-backup") {
            try StoreFolder.create(target) { folder throws(StorageError) in
                try context.copy(to: folder, compacting: compacting)
            }
        }
    }
}

extension StoreContext {
    fileprivate func copy(to folder: String, compacting: Bool) throws(StorageError) {
        // Copying free pages too takes LMDB's writer mutex, on which there is no wait that ends.
        if !compacting { try writerLock.waitUntilFree(timeout: configuration.writerTimeout, time: time) }
        do {
            try using { try $0.environment.copy(to: folder, compacting: compacting) }
        } catch let error as StorageError {
            throw error
        } catch {
            throw StorageError(.systemFailure, "the store cannot be copied", cause: error)
        }
        let file = folder + "/" + DataFile.name
        guard chmod(file, 0o600) == 0 else { throw StorageError(SystemError("chmod"), "\(file) cannot be protected") }
        try DataFile.check(file)
        try giveIdentity(folder)
        try StoreFolder.synchronize(file: file)
    }

    /// Makes the copy a store of its own.
    private func giveIdentity(_ folder: String) throws(StorageError) {
        let size: Int
        do throws(SystemError) {
            size = try FileStatus(path: folder + "/" + DataFile.name).bytes
        } catch {
            throw StorageError(error, "the copy cannot be examined")
        }
        let copy = try Environment(folder: folder, mapBytes: size + 16 << 20, maxDatabases: 1)
        defer { copy.close() }
        let transaction = try copy.beginWrite()
        do throws(StorageError) {
            let meta = try Databases.open("meta", transaction, create: false)
            try StoreFormat.writeIdentity(UUID(), transaction, meta)
            var file = FileExtender(descriptor: try copy.dataFile())
            file.extend(past: try copy.highWaterBytes(), further: 0)
        } catch {
            transaction.abort()
            throw error
        }
        try transaction.commit()
    }
}

extension Environment {
    /// Copies the data file into a folder that is empty.
    fileprivate func copy(to folder: String, compacting: Bool) throws(StorageError) {
        try check(
            mdb_env_copy2(try pointer(), folder, UInt32(compacting ? MDB_CP_COMPACT : 0)), "mdb_env_copy2")
    }
}
#endif

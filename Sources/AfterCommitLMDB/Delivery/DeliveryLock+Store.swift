#if LMDB
import AfterCommit

extension DeliveryLock {
    /// The lock of the store in a folder.
    convenience init(folder: String) throws(StorageError) {
        try self.init(path: folder + "/delivery.lock")
    }
}
#endif

import Foundation

/// The right to deliver from a store: a lock on a file of ours that names the process which holds it.
///
/// The system gives it up when the process dies, so a lock that can be taken proves that the old owner is gone.
package final class DeliveryLock: Sendable {
    private let file: Locked<Int32>

    /// - Parameter path: the lock's file, which is made where there is none.
    package init(path: String) throws(StorageError) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw StorageError(SystemError("open"), "\(path) cannot be opened") }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let error = SystemError("flock")
            defer { close(file) }
            guard error.code == EWOULDBLOCK else { throw StorageError(error, "\(path) cannot be locked") }
            throw StorageError.storeBusy(processID: Self.owner(file))
        }
        let owner = Array("\(getpid())\n".utf8)
        guard ftruncate(file, 0) == 0, pwrite(file, owner, owner.count, 0) == owner.count else {
            let error = SystemError("pwrite")
            close(file)
            throw StorageError(error, "\(path) cannot be written")
        }
        self.file = Locked(file)
    }

    deinit {
        release()
    }

    package func release() {
        let file = file.withLock { file in
            defer { file = -1 }
            return file
        }
        guard file >= 0 else { return }
        // Closing alone would leave the lock with a child that was just forked and has not closed its copy yet. There is
        // nothing that could be done where the system refuses: the close that follows gives the lock up too.
        // The process id may stay: it is only read while someone holds the lock.
        _ = flock(file, LOCK_UN)
        close(file)
    }

    /// The process that holds the lock; 0 where it has not written its id yet.
    private static func owner(_ file: Int32) -> Int32 {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(file, &bytes, bytes.count, 0)
        guard count > 0 else { return 0 }
        let digits = bytes.prefix(count).prefix { (0x30...0x39).contains($0) }
        return Int32(String(decoding: digits, as: UTF8.self)) ?? 0
    }
}

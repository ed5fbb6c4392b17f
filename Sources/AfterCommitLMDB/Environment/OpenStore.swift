#if LMDB
import AfterCommit
import Foundation

/// This process's claim on a store, and its locks. LMDB corrupts locks when a process opens one environment twice.
final class OpenStore: Sendable {
    private struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// The process that opened each: a child that was forked has none of its parent's open.
    private static let open = Locked<[Identity: Int32]>([:])

    let writerLock: WriterLock
    private let identity: Identity
    private let isHeld = Locked(true)

    init(_ folder: String) throws(StorageError) {
        let identity: Identity
        do throws(SystemError) {
            let status = try FileStatus(path: folder + "/" + DataFile.name)
            identity = Identity(device: status.device, inode: status.inode)
        } catch {
            throw StorageError(error, "\(folder) cannot be examined")
        }
        let isFree = Self.open.withLock { open in
            guard open[identity] != getpid() else { return false }
            open[identity] = getpid()
            return true
        }
        guard isFree else {
            throw StorageError(.alreadyOpen, "\(folder) is open in this process; share that storage")
        }
        self.identity = identity
        do throws(StorageError) {
            // Not before it is known that the process has not opened it yet: its locks go with any descriptor that is closed.
            writerLock = try WriterLock(folder: folder)
        } catch {
            Self.open.withLock { open in open[identity] = nil }
            throw error
        }
    }

    deinit {
        release()
    }

    func release() {
        let wasHeld = isHeld.withLock { held in
            defer { held = false }
            return held
        }
        guard wasHeld else { return }
        writerLock.end()
        Self.open.withLock { open in open[identity] = nil }
    }
}
#endif

#if LMDB
import AfterCommit
import Synchronization

/// This process's claim on a store. LMDB corrupts locks when a process opens one environment twice.
final class OpenStore: Sendable {
    private struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    private static let open = Mutex<Set<Identity>>([])

    private let identity: Identity
    private let isHeld = Mutex(true)

    init(_ folder: String) throws(StorageError) {
        let identity: Identity
        do throws(SystemError) {
            let status = try FileStatus(path: folder + "/" + DataFile.name)
            identity = Identity(device: status.device, inode: status.inode)
        } catch {
            throw StorageError(error, "\(folder) cannot be examined")
        }
        guard Self.open.withLock({ $0.insert(identity).inserted }) else {
            throw StorageError(.alreadyOpen, "\(folder) is open in this process; share that storage")
        }
        self.identity = identity
    }

    deinit {
        release()
    }

    func release() {
        let wasHeld = isHeld.withLock { held in
            defer { held = false }
            return held
        }
        if wasHeld { _ = Self.open.withLock { $0.remove(identity) } }
    }
}
#endif

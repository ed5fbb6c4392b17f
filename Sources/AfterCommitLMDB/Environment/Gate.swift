#if LMDB
import Foundation
#if canImport(Glibc)
// Which of the two is taken for the home of the POSIX types depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// Many use the environment at once; who moves its map or opens it anew is alone.
///
/// LMDB changes its map under the readers of the process, so nobody may have a transaction open meanwhile.
final class Gate: @unchecked Sendable {
    // Unchecked: a POSIX lock needs a fixed address and guards itself.
    private let lock = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)

    init() {
        // With these arguments, and memory at hand, it has no way to fail.
        pthread_rwlock_init(lock, nil)
    }

    deinit {
        pthread_rwlock_destroy(lock)
        lock.deallocate()
    }

    /// Runs `body` while the environment stays as it is. It must not be nested.
    func shared<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        pthread_rwlock_rdlock(lock)
        defer { pthread_rwlock_unlock(lock) }
        return try body()
    }

    /// Waits until no one uses the environment, and keeps everyone out meanwhile.
    func alone<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        pthread_rwlock_wrlock(lock)
        defer { pthread_rwlock_unlock(lock) }
        return try body()
    }
}
#endif

import Foundation

#if canImport(Glibc)
// Which of the two is taken for the home of `timespec` depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// What a thread waits for between its jobs.
package protocol ThreadSignal: Sendable {
    /// Ends the wait, from any thread; raised while no one waits, it is kept.
    func raise()
    func wait()
    /// Waits at most so long.
    /// - Returns: whether it was raised.
    func wait(atMost duration: Duration) -> Bool
}

/// A thread waits for it; raised while no one waits, it is kept.
package final class Signal: ThreadSignal, @unchecked Sendable {
    // Unchecked: POSIX objects need a fixed address, and `isRaised` is only touched under the mutex.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var isRaised = false

    package init() {
        // With these arguments, and memory at hand, none of the initialisers has a way to fail.
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        #if !canImport(Darwin)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        #endif
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    package func raise() {
        pthread_mutex_lock(mutex)
        isRaised = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    package func wait() {
        pthread_mutex_lock(mutex)
        while !isRaised { pthread_cond_wait(condition, mutex) }
        isRaised = false
        pthread_mutex_unlock(mutex)
    }

    /// Waits at most so long.
    /// - Returns: whether it was raised.
    package func wait(atMost duration: Duration) -> Bool {
        let (seconds, attoseconds) = duration.components
        let nanoseconds = Int(attoseconds / 1_000_000_000)
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        #if canImport(Darwin)
        var interval = timespec(tv_sec: Int(seconds), tv_nsec: nanoseconds)
        while !isRaised, pthread_cond_timedwait_relative_np(condition, mutex, &interval) == 0 {}
        #else
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &end)
        end.tv_sec += Int(seconds) + (end.tv_nsec + nanoseconds) / 1_000_000_000
        end.tv_nsec = (end.tv_nsec + nanoseconds) % 1_000_000_000
        while !isRaised, pthread_cond_timedwait(condition, mutex, &end) == 0 {}
        #endif
        defer { isRaised = false }
        return isRaised
    }
}

package import Synchronization

/// A value behind a lock.
///
/// Use it wherever a `Mutex` would be. On Linux a `Mutex` knows its owner by a number that each thread keeps for itself. Swift
/// 6.3 inlines that into an asynchronous function, looks the number's place up before an `await`, and reads it there after the
/// function has gone on with another thread: the lock then ends the process, once it is contended ("Call to unlock Mutex on a
/// thread which hasn't acquired the lock"). In a function of its own that is never inlined the thread cannot change.
package struct Locked<Value: ~Copyable>: ~Copyable, Sendable {
    @usableFromInline let mutex: Mutex<Value>

    @inlinable
    package init(_ value: consuming sending Value) {
        mutex = Mutex(value)
    }

    @inlinable
    @inline(never)
    package borrowing func withLock<R: ~Copyable, E: Error>(
        _ body: (inout sending Value) throws(E) -> sending R
    ) throws(E) -> sending R {
        try mutex.withLock(body)
    }
}

import Synchronization

/// A value behind a lock.
///
/// Use it wherever a `Mutex` would be. On Linux a `Mutex` knows its owner by a number that each thread keeps for itself. Swift
/// 6.3 inlines that into an asynchronous function, looks the number's place up before an `await`, and reads it there after the
/// function has gone on with another thread: the lock then ends the process, once it is contended ("Call to unlock Mutex on a
/// thread which hasn't acquired the lock"). In functions of their own that are never inlined the thread cannot change.
package struct Locked<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // Unchecked: the value is only reached with the lock.
    @usableFromInline let lock: Lock
    @usableFromInline let value: UnsafeMutablePointer<Value>

    @inlinable
    package init(_ value: consuming sending Value) {
        lock = Lock()
        self.value = .allocate(capacity: 1)
        self.value.initialize(to: value)
    }

    deinit {
        value.deinitialize(count: 1)
        value.deallocate()
    }

    @inlinable
    package borrowing func withLock<R: ~Copyable, E: Error>(
        _ body: (inout sending Value) throws(E) -> sending R
    ) throws(E) -> sending R {
        lock.take()
        defer { lock.release() }
        return try body(&value.pointee)
    }
}

/// Taken and released by functions that are never inlined.
@usableFromInline
struct Lock: ~Copyable, Sendable {
    private let mutex = Mutex<Void>(())
    /// Says to the Thread Sanitizer that one holder comes after another: where the kernel hands a contended lock over, it sees
    /// nothing. On most processors it costs an ordinary load and store.
    private let order = Atomic(false)

    @usableFromInline
    init() {}

    @usableFromInline
    @inline(never)
    borrowing func take() {
        mutex._unsafeLock()
        _ = order.load(ordering: .acquiring)
    }

    @usableFromInline
    @inline(never)
    borrowing func release() {
        order.store(true, ordering: .releasing)
        mutex._unsafeUnlock()
    }
}

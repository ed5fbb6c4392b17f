import Synchronization

/// Wakes one waiting worker. Many notifications before it looks are one.
package final class WakeSignal: Sendable {
    private let isSet = Atomic(false)
    private let waiter = Locked<CheckedContinuation<Void, Never>?>(nil)

    package init() {}

    package func notify() {
        // Under load the signal is set almost always, and this is all that an emitter pays.
        if isSet.load(ordering: .sequentiallyConsistent) { return }
        let continuation = waiter.withLock { waiter in
            isSet.store(true, ordering: .sequentiallyConsistent)
            return waiter.take()
        }
        continuation?.resume()
    }

    /// Forgets notifications that came before: what they told of is looked at now.
    package func consume() {
        // An exchange, so that what was written before a notification is seen after it.
        _ = isSet.exchange(false, ordering: .sequentiallyConsistent)
    }

    /// Waits for a notification that came after the last ``consume()``.
    package func wait() async {
        await withCheckedContinuation { continuation in
            let ready = waiter.withLock { waiter in
                if isSet.load(ordering: .sequentiallyConsistent) { return true }
                waiter = continuation
                return false
            }
            if ready { continuation.resume() }
        }
    }
}

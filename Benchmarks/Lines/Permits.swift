import Synchronization

/// Lets as many handlers through as permits were given.
final class Permits: Sendable {
    private struct State {
        var count = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    func give() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if let waiter = state.waiters.popLast() { return waiter }
            state.count += 1
            return nil
        }
        waiter?.resume()
    }

    /// Waits for a permit.
    func take() async {
        await withCheckedContinuation { continuation in
            let passes = state.withLock { state in
                if state.count > 0 {
                    state.count -= 1
                    return true
                }
                if !state.isClosed { state.waiters.append(continuation) }
                return state.isClosed
            }
            if passes { continuation.resume() }
        }
    }

    /// Lets all through that wait, and every later one.
    func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

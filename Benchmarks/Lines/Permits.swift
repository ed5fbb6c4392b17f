import AfterCommit

/// Lets as many handlers through as permits were given, and tells when all of them were used.
final class Permits: Sendable {
    private struct State {
        var count = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
        var isClosed = false
        /// How many are still to be given and used.
        var rest: Int
        var whenUsed: CheckedContinuation<Void, Never>?

        /// Notes that one was used.
        mutating func use() -> CheckedContinuation<Void, Never>? {
            rest -= 1
            return rest == 0 ? whenUsed : nil
        }
    }

    private let state: Locked<State>

    init(total: Int) {
        state = Locked(State(rest: total))
    }

    func give() {
        let (waiter, whenUsed) = state.withLock { state in
            if let waiter = state.waiters.popLast() { return (Optional(waiter), state.use()) }
            state.count += 1
            return (nil, nil)
        }
        waiter?.resume()
        whenUsed?.resume()
    }

    /// Waits for a permit.
    func take() async {
        await withCheckedContinuation { continuation in
            let (passes, whenUsed) = state.withLock { state in
                if state.count > 0 {
                    state.count -= 1
                    return (true, state.use())
                }
                if !state.isClosed { state.waiters.append(continuation) }
                return (state.isClosed, nil)
            }
            if passes { continuation.resume() }
            whenUsed?.resume()
        }
    }

    /// Waits until all were used. One may wait.
    func waitUntilUsed() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.rest > 0 { state.whenUsed = continuation }
                return state.rest <= 0
            }
            if isDone { continuation.resume() }
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

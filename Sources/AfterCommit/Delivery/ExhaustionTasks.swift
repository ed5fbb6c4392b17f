/// The calls of `onExhausted` that are under way, so that a worker can wait for them at its end.
final class ExhaustionTasks: Sendable {
    private struct State {
        var tasks: [UInt64: Task<Void, Never>] = [:]
        var last: UInt64 = 0
    }

    private let state = Locked(State())
    private let signal: WakeSignal

    /// - Parameter signal: notified after each call's end.
    init(signal: WakeSignal) {
        self.signal = signal
    }

    var isEmpty: Bool { state.withLock(\.tasks.isEmpty) }

    func run(_ call: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            state.last += 1
            let id = state.last
            state.tasks[id] = Task.detached {
                await call()
                self.state.withLock { $0.tasks[id] = nil }
                self.signal.notify()
            }
        }
    }

    /// Asks those that have begun to end; it does not wait for them.
    func cancel() {
        for task in state.withLock({ Array($0.tasks.values) }) { task.cancel() }
    }
}

import Synchronization

/// One endpoint as its subscriptions share it.
package final class EndpointGate: Sendable {
    /// The breaker's change that an attempt's end brought about.
    package struct Change: Sendable, Equatable {
        package let from: BreakerState
        package let to: BreakerState
    }

    package let endpoint: Endpoint
    private let state: Locked<EndpointState>
    /// Lets the usual case pass without the lock: nothing is limited, and nothing has failed for a whole window.
    private let untroubled: Atomic<Bool>
    /// Woken when an attempt's end may have let others in.
    private let observers = Locked<[WakeSignal]>([])

    package init(_ endpoint: Endpoint, now: Duration) {
        self.endpoint = endpoint
        let initial = EndpointState(endpoint, now: now)
        untroubled = Atomic(initial.isUntroubled)
        state = Locked(initial)
    }

    /// Whether all may start, and a success changes nothing.
    package var isUntroubled: Bool { untroubled.load(ordering: .relaxed) }
    package var breakerState: BreakerState { state.withLock { $0.breakerState } }
    package var breakerOpenedCount: Int { state.withLock { $0.breakerOpenedCount } }

    package func observe(with signal: WakeSignal) {
        observers.withLock { $0.append(signal) }
    }

    package func admit(now: Duration) -> (EndpointState.Admission, Change?) {
        if isUntroubled { return (.admitted(probe: false), nil) }
        return state.withLock { state in
            let before = state.breakerState
            let admission = state.admit(now: now)
            return (admission, Self.change(from: before, to: state.breakerState))
        }
    }

    package func end(_ report: EndpointState.Report, probe: Bool, now: Duration) -> Change? {
        if report == .up, isUntroubled { return nil }
        let (change, heldOthers) = state.withLock { state in
            let heldOthers = state.holdsOthers
            let before = state.breakerState
            state.end(report, probe: probe, now: now)
            untroubled.store(state.isUntroubled, ordering: .relaxed)
            return (Self.change(from: before, to: state.breakerState), heldOthers)
        }
        if change != nil || heldOthers || probe {
            for signal in observers.withLock({ $0 }) { signal.notify() }
        }
        return change
    }

    private static func change(from: BreakerState, to: BreakerState) -> Change? {
        from == to ? nil : Change(from: from, to: to)
    }
}

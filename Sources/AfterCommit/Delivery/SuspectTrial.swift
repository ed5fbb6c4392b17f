import Synchronization

/// Tries what was in flight when the last process died, one delivery at a time over all subscriptions, before anything else.
///
/// Only a death while alone proves who kills the process. Those that never killed one come first, so that they are delivered
/// before the next death.
package final class SuspectTrial: Sendable {
    /// What a worker may do now.
    package enum Turn: Sendable, Equatable {
        /// Another worker's suspect runs.
        case wait
        /// This suspect, and nothing else.
        case tryAlone(SubscriptionPlace.Suspect)
        /// All have been tried.
        case over
    }

    private struct Entry {
        let subscription: String
        let suspect: SubscriptionPlace.Suspect
    }

    private struct State {
        /// The next one is last.
        var waiting: [Entry]
        var signals: [WakeSignal] = []
    }

    private let state: Mutex<State>
    private let isOver: Atomic<Bool>

    package init(_ suspects: [String: [SubscriptionPlace.Suspect]]) {
        let entries = suspects.flatMap { name, suspects in
            suspects.map { Entry(subscription: name, suspect: $0) }
        }
        let waiting = entries.sorted {
            ($0.suspect.deaths, $0.suspect.sequence, $0.subscription)
                > ($1.suspect.deaths, $1.suspect.sequence, $1.subscription)
        }
        isOver = Atomic(waiting.isEmpty)
        state = Mutex(State(waiting: waiting))
    }

    package func observe(with signal: WakeSignal) {
        state.withLock { $0.signals.append(signal) }
    }

    package func turn(of subscription: String) -> Turn {
        if isOver.load(ordering: .acquiring) { return .over }
        return state.withLock { state in
            guard let next = state.waiting.last else { return .over }
            return next.subscription == subscription ? .tryAlone(next.suspect) : .wait
        }
    }

    /// The suspect whose turn it was has been tried, or needs no trial any more.
    package func tried(_ sequence: UInt64, subscription: String) {
        let signals = state.withLock { state -> [WakeSignal] in
            guard let current = state.waiting.last, current.subscription == subscription,
                current.suspect.sequence == sequence
            else { return [] }
            state.waiting.removeLast()
            if state.waiting.isEmpty { isOver.store(true, ordering: .releasing) }
            return state.signals
        }
        for signal in signals { signal.notify() }
    }
}

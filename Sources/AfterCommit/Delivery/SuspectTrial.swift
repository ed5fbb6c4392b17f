import Synchronization

/// Lets what was in flight when the last process died run alone: while one of it runs, nothing else of the engine does.
///
/// Only a death while alone proves who kills the process. A suspect keeps its place among the others: it comes when its
/// key and its endpoint let it, and until then nobody waits for it. The first of those that wait is the one during which
/// the fewest processes died, so that the innocent are delivered before the next death.
package final class SuspectTrial: Sendable {
    /// One worker of the engine.
    struct Member: Sendable {
        let subscription: String
        let queue: LaneQueue
        let signal: WakeSignal
        let exhaustionTasks: ExhaustionTasks
    }

    package enum Turn: Sendable, Equatable {
        /// Others still run, or come first.
        case wait
        /// Nothing else runs. A handler that was given up and never ended may be there still: then a death proves nothing.
        case begin(isAlone: Bool)
    }

    private struct Request {
        let subscription: String
        let suspect: SubscriptionPlace.Suspect
    }

    private struct State {
        var members: [Member] = []
        /// One for each subscription.
        var requests: [Request] = []
        /// Whose suspect runs.
        var running: String?

        var first: Request? {
            requests.min {
                ($0.suspect.deaths, $0.suspect.sequence, $0.subscription)
                    < ($1.suspect.deaths, $1.suspect.sequence, $1.subscription)
            }
        }
    }

    private let state = Locked(State())
    private let active = Atomic(false)

    package init() {}

    /// Whether a suspect runs or waits for the others to end.
    package var isActive: Bool { active.load(ordering: .acquiring) }

    func join(_ member: Member) {
        state.withLock { $0.members.append(member) }
    }

    /// Asks to let a suspect run. From then on nothing else begins.
    func request(_ suspect: SubscriptionPlace.Suspect, of subscription: String) -> Turn {
        let (turn, signals) = state.withLock { state -> (Turn, [WakeSignal]) in
            guard state.running == nil else { return (.wait, []) }
            state.requests.removeAll { $0.subscription == subscription }
            state.requests.append(Request(subscription: subscription, suspect: suspect))
            active.store(true, ordering: .releasing)
            for member in state.members { member.queue.hold() }
            guard state.first?.subscription == subscription else { return (.wait, firstSignal(state)) }
            guard state.members.allSatisfy(\.queue.isQuiet) else { return (.wait, []) }
            state.running = subscription
            let isAlone = state.members.allSatisfy { !$0.queue.hasAbandoned && $0.exhaustionTasks.isEmpty }
            return (.begin(isAlone: isAlone), [])
        }
        for signal in signals { signal.notify() }
        return turn
    }

    /// A subscription has no suspect that could run now.
    func withdraw(_ subscription: String) {
        finish { state in
            guard state.requests.contains(where: { $0.subscription == subscription }) else { return false }
            // One that runs is ended, not withdrawn.
            guard state.running != subscription else { return false }
            state.requests.removeAll { $0.subscription == subscription }
            return state.running == nil
        }
    }

    /// The suspect that ran has ended, or could not begin.
    func ended(_ subscription: String) {
        finish { state in
            guard state.running == subscription else { return false }
            state.running = nil
            state.requests.removeAll { $0.subscription == subscription }
            return true
        }
    }

    /// Something has ended somewhere: whoever waits looks again.
    func poke() {
        guard isActive else { return }
        for signal in state.withLock({ $0.running == nil ? firstSignal($0) : [] }) { signal.notify() }
    }

    private func finish(_ change: (inout State) -> Bool) {
        let signals = state.withLock { state -> [WakeSignal] in
            guard change(&state) else { return [] }
            if state.requests.isEmpty {
                active.store(false, ordering: .releasing)
                for member in state.members { member.queue.unhold() }
            }
            return state.members.map(\.signal)
        }
        for signal in signals { signal.notify() }
    }

    private func firstSignal(_ state: State) -> [WakeSignal] {
        guard let first = state.first else { return [] }
        return state.members.filter { $0.subscription == first.subscription }.map(\.signal)
    }
}

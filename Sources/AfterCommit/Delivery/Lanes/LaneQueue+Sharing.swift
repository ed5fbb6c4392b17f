import DequeModule
import Synchronization

/// How lanes share what is not begun.
extension LaneQueue {
    /// Puts back what a lane has taken and not begun.
    func giveBack(_ lane: inout LaneSlot.State, in state: inout State) {
        guard !lane.taken.isEmpty else { return }
        state.ready.prepend(contentsOf: lane.taken)
        lane.taken.removeAll(keepingCapacity: true)
    }

    /// Takes back what lanes have taken and not begun; the lane `index` holds nothing.
    func recall(except index: Int? = nil, in state: inout State) {
        guard batch.size == 1 else { return }
        for other in state.sharing where other != index {
            state.lanes[other].slot.state.withLock { giveBack(&$0, in: &state) }
        }
        state.sharing.removeAll()
    }

    /// The idle lanes to resume, so that what is not begun finds a lane.
    func wake(in state: inout State) -> [CheckedContinuation<Void, Never>] {
        guard !state.idle.isEmpty, hasWork(in: state) else { return [] }
        // What others have taken needs one lane to look.
        let attempts = (max(1, state.ready.count) + batch.size - 1) / batch.size
        let count = state.share.wakes(unbegun: attempts, idle: state.idle.count, woken: state.wokenCount)
        return (0..<count).compactMap { _ in wakeLastIdle(in: &state) }
    }

    func wakeLastIdle(in state: inout State) -> CheckedContinuation<Void, Never>? {
        guard let index = state.idle.popLast() else { return nil }
        state.lanes[index].isWoken = true
        state.wokenCount += 1
        return state.endWait(on: index)
    }

    func hasTaken(in state: borrowing State) -> Bool {
        guard batch.size == 1 else { return false }
        for index in state.sharing {
            if state.lanes[index].slot.state.withLock({ !$0.taken.isEmpty }) { return true }
        }
        return false
    }
}

import DequeModule

/// One lane's place: what it runs, what it has taken and not begun, and what it has not told the queue yet.
///
/// A lane goes from one attempt to the next under this lock, which is almost always its own; the queue's lock is for
/// taking many at once. Where both are held, the queue's was locked first.
package final class LaneSlot: Sendable {
    struct State {
        var generation = 0
        var running: LaneQueue.Running?
        var taken: Deque<ClaimedDelivery> = []
        var share = LaneShare()
        /// Whether `share` has learnt something that the queue does not know.
        var hasEnded = false
        var delivered: [UInt64] = []
        var ended: [EndedAttempt] = []
        var breakerChanges: [EndpointGate.Change] = []
        var startedAttempts = 0

        /// Tells the queue's harvest what happened here.
        mutating func flush(into harvest: inout LaneQueue.Harvest) {
            harvest.startedAttempts += startedAttempts
            startedAttempts = 0
            if !delivered.isEmpty {
                harvest.delivered.append(contentsOf: delivered)
                delivered.removeAll(keepingCapacity: true)
            }
            if !ended.isEmpty {
                harvest.ended.append(contentsOf: ended)
                ended.removeAll()
            }
            if !breakerChanges.isEmpty {
                harvest.breakerChanges.append(contentsOf: breakerChanges)
                breakerChanges.removeAll()
            }
        }
    }

    let state = Locked(State())
}

/// One long-lived task that runs attempts one after another.
///
/// A task for each attempt would cap a subscription at some 200,000 events in a second.
struct Lane: Sendable {
    let id: LaneQueue.LaneID
    let slot: LaneSlot
    let queue: LaneQueue
    let runner: AttemptRunner

    @concurrent
    func run() async {
        let emissions = EmissionBuffer()
        while var attempt = await queue.next(id) {
            stepping: while true {
                switch queue.advance(id, slot: slot, after: await runner.run(attempt, emissions: emissions)) {
                case .attempt(let next): attempt = next
                case .ask: break stepping
                case .lost: return
                }
            }
        }
    }
}

/// One long-lived task that runs attempts one after another.
///
/// A task for each attempt would cap a subscription at some 200,000 events in a second.
struct Lane: Sendable {
    let id: LaneQueue.LaneID
    let queue: LaneQueue
    let runner: AttemptRunner

    @concurrent
    func run() async {
        let emissions = EmissionBuffer()
        var result: AttemptResult?
        while let attempt = await queue.next(id, after: result) {
            result = await runner.run(attempt.delivery, started: attempt.started, emissions: emissions)
        }
    }
}

/// One long-lived task that runs attempts one after another.
///
/// A task for each attempt would cap a subscription at some 200,000 events in a second.
struct Lane: Sendable {
    let id: LaneQueue.LaneID
    let queue: LaneQueue
    let subscription: Subscription
    let coder: any EventCoder
    let log: DeliveryLog
    let time: TimeSource
    let wallClock: any WallClock

    @concurrent
    func run() async {
        let common = DeliveryContext.Common(
            subscription: subscription.name, policy: subscription.policy, logger: log.logger,
            coder: coder, time: time, wallClock: wallClock)
        var result: AttemptResult?
        while let attempt = await queue.next(id, after: result) {
            let context = DeliveryContext(attempt.delivery, common: common, started: attempt.started)
            do {
                try await subscription.attempt(coder, context)
                result = .succeeded
            } catch {
                result = AttemptResult(thrown: error)
            }
        }
    }
}

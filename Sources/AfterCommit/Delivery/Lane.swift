/// One long-lived task that runs attempts one after another.
///
/// A task for each attempt would cap a subscription at some 200,000 events in a second.
struct Lane: Sendable {
    let id: LaneQueue.LaneID
    let slot: LaneSlot
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
        if let batching = subscription.batching {
            await runBatches(batching, common: common)
        } else {
            await runSingles(subscription.attempt, common: common)
        }
    }

    private func runSingles(_ handle: Subscription.Attempt, common: DeliveryContext.Common) async {
        let coder = coder
        while var attempt = await queue.next(id) {
            stepping: while true {
                var result = AttemptResult.succeeded
                do {
                    try await handle(
                        coder, DeliveryContext(attempt.delivery, common: common, started: attempt.started))
                } catch {
                    result = AttemptResult(thrown: error)
                }
                switch queue.advance(id, slot: slot, after: .all(result)) {
                case .attempt(let next): attempt = next
                case .ask: break stepping
                case .lost: return
                }
            }
        }
    }

    private func runBatches(_ batching: Subscription.Batching, common: DeliveryContext.Common) async {
        while let attempt = await queue.next(id) {
            let contexts = attempt.deliveries.map { DeliveryContext($0, common: common, started: attempt.started) }
            let results = await batching.attempt(coder, contexts)
            // No batch follows by itself: it is gathered anew.
            if case .lost = queue.advance(id, slot: slot, after: .each(results)) { return }
        }
    }
}

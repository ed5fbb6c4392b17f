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
        while var attempt = await queue.next(id) {
            stepping: while true {
                switch queue.advance(id, slot: slot, after: await run(attempt, common: common)) {
                case .attempt(let next): attempt = next
                case .ask: break stepping
                case .lost: return
                }
            }
        }
    }

    private func run(_ attempt: LaneQueue.Attempt, common: DeliveryContext.Common) async -> LaneQueue.Ending {
        if let batching = subscription.batching {
            let contexts = attempt.deliveries.map { DeliveryContext($0, common: common, started: attempt.started) }
            return .each(await batching.attempt(coder, contexts))
        }
        let context = DeliveryContext(attempt.delivery, common: common, started: attempt.started)
        do {
            try await subscription.attempt(coder, context)
            return .all(.succeeded)
        } catch {
            return .all(AttemptResult(thrown: error))
        }
    }
}

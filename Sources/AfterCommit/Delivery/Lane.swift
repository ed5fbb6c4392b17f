import Foundation

/// One long-lived task that runs attempts one after another.
///
/// A task for each attempt would cap a subscription at some 200,000 events in a second.
struct Lane: Sendable {
    let id: LaneQueue.LaneID
    let queue: LaneQueue
    let subscription: Subscription
    let coder: any EventCoder
    let log: DeliveryLog

    @concurrent
    func run() async {
        let policy = subscription.policy
        let timeout = policy.timeout.timeInterval
        var result: AttemptResult?
        while let attempt = await queue.next(id, after: result) {
            let delivery = attempt.delivery
            let context = DeliveryContext(
                delivery: DeliveryID(subscription: subscription.name, sequence: delivery.sequence),
                envelope: delivery.envelope, attempt: (delivery.history?.attempts ?? 0) + 1,
                maxAttempts: policy.maxAttempts, startedAt: attempt.startedAt,
                deadline: attempt.startedAt + timeout, baseLogger: log.logger, coder: coder)
            do {
                try await subscription.attempt(coder, context)
                result = .succeeded
            } catch {
                result = AttemptResult(thrown: error)
            }
        }
    }
}

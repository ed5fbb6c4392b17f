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
        if runner.isPlain {
            await runPlain(runner.subscription.attempt, emissions)
        } else {
            await runWrapped(emissions)
        }
    }

    /// Calls the handler and nothing else.
    private func runPlain(_ handle: Subscription.Attempt, _ emissions: EmissionBuffer) async {
        let (coder, common) = (runner.coder, runner.common)
        while var attempt = await queue.next(id) {
            stepping: while true {
                var result: AttemptResult
                do {
                    result = try await handle(
                        coder,
                        DeliveryContext(
                            attempt.delivery, common: common, started: attempt.started, emissions: emissions))
                } catch {
                    result = AttemptResult(thrown: error, rules: common.policy.rules)
                }
                let emitted = emissions.end()
                if !emitted.isEmpty { result = result.storing(emitted) }
                switch queue.advance(id, slot: slot, after: .all(result)) {
                case .attempt(let next): attempt = next
                case .ask: break stepping
                case .lost: return
                }
            }
        }
    }

    /// Calls it inside of interceptors and spans, or with batches.
    private func runWrapped(_ emissions: EmissionBuffer) async {
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

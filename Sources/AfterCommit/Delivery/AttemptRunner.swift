import ServiceContextModule
import Synchronization
import Tracing

/// Runs one attempt: context, interceptors, span, handler, and what came of it.
package struct AttemptRunner: Sendable {
    private let subscription: Subscription
    private let coder: any EventCoder
    private let common: DeliveryContext.Common
    private let interceptors: [any AttemptInterceptor]
    private let tracing: EventTracing?
    private let durations: OperationDurations?

    init(
        subscription: Subscription, envelopes: EnvelopeFactory, log: DeliveryLog, time: TimeSource,
        wallClock: any WallClock, interceptors: [any AttemptInterceptor], tracing: EventTracing?,
        durations: OperationDurations?
    ) {
        self.tracing = tracing
        self.durations = durations
        self.subscription = subscription
        coder = envelopes.coder
        self.interceptors = interceptors
        common = DeliveryContext.Common(
            subscription: subscription.name, policy: subscription.policy, logger: log.logger,
            envelopes: envelopes, time: time, wallClock: wallClock)
    }

    @concurrent
    func run(_ delivery: ClaimedDelivery, started: Duration, emissions: EmissionBuffer) async -> AttemptResult {
        let context = DeliveryContext(delivery, common: common, started: started, emissions: emissions)
        let result: AttemptResult
        if let tracing {
            let span = tracing.beginProcess(
                delivery.box.envelope, subscription: subscription.name, attempt: context.attempt)
            result = await ServiceContext.withValue(span.context) { await attempt(context) }
            EventTracing.endProcess(span, result: result, givenUp: givenUp(started: started))
        } else {
            result = await attempt(context)
        }
        if let durations, !Task.isCancelled {
            durations.record(common.time.now() - started, errorType: result.errorType)
        }
        let emitted = emissions.end()
        // What a failed attempt emitted is dropped with it.
        if case .succeeded = result, !emitted.isEmpty { return .emitted(emitted) }
        return result
    }

    /// Why this attempt's result counts no more: only the lane of an attempt that was given up is cancelled.
    private func givenUp(started: Duration) -> String? {
        guard Task.isCancelled else { return nil }
        return common.time.now() - started >= subscription.policy.timeout ? "timeout" : "cancelled"
    }

    @concurrent
    private func attempt(_ context: DeliveryContext) async -> AttemptResult {
        do {
            guard interceptors.isEmpty else { return try await intercepted(context) }
            return try await subscription.attempt(coder, context)
        } catch {
            return AttemptResult(thrown: error, rules: subscription.policy.rules)
        }
    }
}

extension AttemptRunner {
    private typealias Next = @concurrent @Sendable () async throws -> Void

    /// The first interceptor is the outermost.
    @concurrent
    private func intercepted(_ context: DeliveryContext) async throws -> AttemptResult {
        let outcome = AttemptOutcome()
        let handler: Next = { [subscription, coder] in
            outcome.result.withLock { $0 = nil }
            let result = try await subscription.attempt(coder, context)
            outcome.result.withLock { $0 = result }
        }
        let chain = interceptors.reversed().reduce(handler) { next, interceptor in
            { try await interceptor.attempt(context, next: next) }
        }
        try await chain()
        // An interceptor that neither ran the handler nor threw has handled the event itself.
        return outcome.result.withLock { $0 } ?? .succeeded
    }
}

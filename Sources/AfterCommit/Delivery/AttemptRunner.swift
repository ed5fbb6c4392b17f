import ServiceContextModule
import Synchronization
import Tracing

/// Runs one attempt, of a delivery or of a batch: contexts, interceptors, span, handler, and what came of it.
package struct AttemptRunner: Sendable {
    private typealias Next = @concurrent @Sendable () async throws -> Void

    private let subscription: Subscription
    private let coder: any EventCoder
    private let common: DeliveryContext.Common
    private let interceptors: [any AttemptInterceptor]

    init(
        subscription: Subscription, envelopes: EnvelopeFactory, log: DeliveryLog, time: TimeSource,
        wallClock: any WallClock, interceptors: [any AttemptInterceptor]
    ) {
        self.subscription = subscription
        coder = envelopes.coder
        self.interceptors = interceptors
        common = DeliveryContext.Common(
            subscription: subscription.name, policy: subscription.policy, logger: log.logger,
            envelopes: envelopes, time: time, wallClock: wallClock)
    }

    /// - Parameter emissions: the lane's own. Each delivery of a batch has one for itself.
    @concurrent
    func run(_ attempt: LaneQueue.Attempt, emissions: EmissionBuffer) async -> LaneQueue.Ending {
        if let batching = subscription.batching { return await run(attempt, batching) }
        let context = DeliveryContext(
            attempt.delivery, common: common, started: attempt.started, emissions: emissions)
        let result: AttemptResult
        if let span = EventTracing.beginProcess(
            context.box.envelope, subscription: subscription.name, attempt: context.attempt)
        {
            result = await ServiceContext.withValue(span.context) { await single(context) }
            EventTracing.end(span, failure: result.failure)
        } else {
            result = await single(context)
        }
        return .all(result.storing(emissions.end()))
    }

    @concurrent
    private func single(_ context: DeliveryContext) async -> AttemptResult {
        do {
            if interceptors.isEmpty { return try await subscription.attempt(coder, context) }
            let outcome = Mutex<AttemptResult?>(nil)
            try await intercepted([context]) {
                let result = try await subscription.attempt(coder, context)
                outcome.withLock { $0 = result }
            }
            // An interceptor that neither ran the handler nor threw has handled the event itself.
            return outcome.withLock { $0 } ?? .succeeded
        } catch {
            return AttemptResult(thrown: error, rules: subscription.policy.rules)
        }
    }

    // MARK: Batches

    @concurrent
    private func run(_ attempt: LaneQueue.Attempt, _ batching: Subscription.Batching) async -> LaneQueue.Ending {
        let buffers = attempt.deliveries.map { _ in EmissionBuffer() }
        let contexts = zip(attempt.deliveries, buffers).map { delivery, emissions in
            DeliveryContext(delivery, common: common, started: attempt.started, emissions: emissions)
        }
        let spans = contexts.map {
            EventTracing.beginProcess($0.box.envelope, subscription: subscription.name, attempt: $0.attempt)
        }
        let results = await batch(contexts, batching)
        for (span, result) in zip(spans, results) {
            if let span { EventTracing.end(span, failure: result.failure) }
        }
        return .each(zip(results, buffers).map { result, emissions in result.storing(emissions.end()) })
    }

    @concurrent
    private func batch(_ contexts: [DeliveryContext], _ batching: Subscription.Batching) async -> [AttemptResult] {
        if interceptors.isEmpty { return await batching.attempt(coder, contexts) }
        do {
            let outcomes = Mutex<[AttemptResult]?>(nil)
            try await intercepted(contexts) {
                let results = await batching.attempt(coder, contexts)
                outcomes.withLock { $0 = results }
            }
            return outcomes.withLock { $0 } ?? contexts.map { _ in .succeeded }
        } catch {
            return contexts.map { _ in AttemptResult(thrown: error, rules: subscription.policy.rules) }
        }
    }

    /// The first interceptor is the outermost.
    @concurrent
    private func intercepted(_ deliveries: [DeliveryContext], _ handler: @escaping Next) async throws {
        let chain = interceptors.reversed().reduce(handler) { next, interceptor in
            { try await interceptor.attempt(deliveries, next: next) }
        }
        try await chain()
    }
}

extension AttemptResult {
    /// The result with what the handler emitted; what a failed attempt emitted is dropped with it.
    fileprivate func storing(_ emissions: [Emission]) -> Self {
        if case .succeeded = self, !emissions.isEmpty { .emitted(emissions) } else { self }
    }
}

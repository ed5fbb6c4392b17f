import ServiceContextModule
import Tracing

/// Runs one attempt, of a delivery or of a batch: contexts, interceptors, span, handler, and what came of it.
package struct AttemptRunner: Sendable {
    private typealias Next = @concurrent @Sendable () async throws -> Void

    let subscription: Subscription
    let coder: any EventCoder
    let common: DeliveryContext.Common
    private let interceptors: [any AttemptInterceptor]
    private let tracing: EventTracing?
    /// `nil` where nobody reads metrics.
    private let durations: OperationDurations?

    init(
        subscription: Subscription, storage: any EventStorage, log: DeliveryLog, time: TimeSource,
        wallClock: any WallClock, interceptors: [any AttemptInterceptor], tracing: EventTracing?,
        durations: OperationDurations?
    ) {
        self.subscription = subscription
        self.tracing = tracing
        self.durations = durations
        let envelopes = storage.envelopes
        coder = envelopes.coder
        self.interceptors = interceptors
        common = DeliveryContext.Common(
            subscription: subscription.name, policy: subscription.policy, logger: log.logger,
            envelopes: envelopes, time: time, wallClock: wallClock,
            validateEmission: { try storage.validate($0) })
    }

    /// Whether an attempt is a call of the handler and nothing else.
    var isPlain: Bool {
        subscription.batching == nil && interceptors.isEmpty && tracing == nil && durations == nil
    }

    /// - Parameter emissions: the lane's own. Each delivery of a batch has one for itself.
    @concurrent
    func run(_ attempt: LaneQueue.Attempt, emissions: EmissionBuffer) async -> LaneQueue.Ending {
        if let batching = subscription.batching { return .each(await run(attempt, batching)) }
        let context = DeliveryContext(
            attempt.delivery, common: common, started: attempt.started, emissions: emissions)
        let result: AttemptResult
        if let tracing {
            let span = beginSpan(context, tracing)
            result = await ServiceContext.withValue(span.context) { await single(context) }
            EventTracing.endProcess(span, result: result, givenUp: givenUp(started: attempt.started))
        } else {
            result = await single(context)
        }
        record([result], started: attempt.started)
        return .all(result.storing(emissions.end()))
    }

    @concurrent
    private func single(_ context: DeliveryContext) async -> AttemptResult {
        do {
            if interceptors.isEmpty { return try await subscription.attempt(coder, context) }
            let outcome = Locked<AttemptResult?>(nil)
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

    /// The first interceptor is the outermost.
    @concurrent
    private func intercepted(_ deliveries: [DeliveryContext], _ handler: @escaping Next) async throws {
        let chain = interceptors.reversed().reduce(handler) { next, interceptor in
            { try await interceptor.attempt(deliveries, next: next) }
        }
        try await chain()
    }

    // MARK: Batches

    @concurrent
    private func run(_ attempt: LaneQueue.Attempt, _ batching: Subscription.Batching) async -> [AttemptResult] {
        let buffers = attempt.deliveries.map { _ in EmissionBuffer() }
        let contexts = zip(attempt.deliveries, buffers).map { delivery, emissions in
            DeliveryContext(delivery, common: common, started: attempt.started, emissions: emissions)
        }
        let spans = tracing.map { tracing in contexts.map { beginSpan($0, tracing) } } ?? []
        let results = await batch(contexts, batching)
        for (span, result) in zip(spans, results) {
            EventTracing.endProcess(span, result: result, givenUp: givenUp(started: attempt.started))
        }
        record(results, started: attempt.started)
        return zip(results, buffers).map { result, emissions in result.storing(emissions.end()) }
    }

    @concurrent
    private func batch(_ contexts: [DeliveryContext], _ batching: Subscription.Batching) async -> [AttemptResult] {
        if interceptors.isEmpty { return await batching.attempt(coder, contexts) }
        do {
            let outcomes = Locked<[AttemptResult]?>(nil)
            try await intercepted(contexts) {
                let results = await batching.attempt(coder, contexts)
                outcomes.withLock { $0 = results }
            }
            return outcomes.withLock { $0 } ?? contexts.map { _ in .succeeded }
        } catch {
            return contexts.map { _ in AttemptResult(thrown: error, rules: subscription.policy.rules) }
        }
    }

    // MARK: Telling

    private func beginSpan(_ context: DeliveryContext, _ tracing: EventTracing) -> any Span {
        tracing.beginProcess(context.box.envelope, subscription: subscription.name, attempt: context.attempt)
    }

    private func record(_ results: [AttemptResult], started: Duration) {
        guard let durations, !Task.isCancelled else { return }
        for result in results { durations.record(common.time.now() - started, errorType: result.errorType) }
    }

    /// Why this attempt's result counts no more: only the lane of an attempt that was given up is cancelled.
    private func givenUp(started: Duration) -> String? {
        guard Task.isCancelled else { return nil }
        return common.time.now() - started >= subscription.policy.timeout ? "timeout" : "cancelled"
    }
}

extension AttemptResult {
    /// The result with what the handler emitted; what a failed attempt emitted is dropped with it.
    func storing(_ emissions: [Emission]) -> Self {
        if case .succeeded = self, !emissions.isEmpty { .emitted(emissions) } else { self }
    }
}

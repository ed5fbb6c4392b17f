import Foundation
import Logging
import Metrics

/// Sets the gauges of an engine, and counts what was committed to its storage.
///
/// Events are emitted without an engine, in other processes even. What counts as sent is therefore how far the log has
/// grown since the last sample: what was rolled back is not in it, and nothing is counted twice.
actor MetricsSampler {
    private let factory: any MetricsFactory
    private let interval: Duration
    private let storage: any EventStorage
    private let time: TimeSource
    private let wallClock: any WallClock
    private let logger: Logger
    private let sent: Counter
    private let reclaims: Counter
    private var gauges: [String: SubscriptionGauges] = [:]
    private var appended: UInt64?
    private var reclaimed: Int

    /// `nil` where nobody reads metrics, or sampling is off.
    init?(
        _ configuration: EngineConfiguration, storage: any EventStorage, time: TimeSource, wallClock: any WallClock,
        logger: Logger
    ) {
        guard !(configuration.metrics is NOOPMetricsHandler), configuration.metricsInterval > .zero else { return nil }
        factory = configuration.metrics
        interval = configuration.metricsInterval
        self.storage = storage
        self.time = time
        self.wallClock = wallClock
        self.logger = logger
        sent = Counter(
            label: MetricName.sent,
            dimensions: [
                (TraceAttribute.system, TraceAttribute.systemName), (TraceAttribute.operationName, "send"),
            ],
            factory: factory)
        reclaims = Counter(label: MetricName.leaseReclaims, factory: factory)
        reclaimed = storage.reclaimedDeliveries
    }

    /// Samples at each interval until it is cancelled.
    func run(_ workers: [DeliveryWorker]) async {
        while !Task.isCancelled {
            // Only a cancellation ends a sleep early, which the loop looks at.
            try? await time.sleep(until: time.now() + interval)
            if !Task.isCancelled { await sample(workers) }
        }
    }

    /// Samples once. What was in the storage before the first sample was not sent while this engine was there.
    func sample(_ workers: [DeliveryWorker]) async {
        countReclaims()
        do {
            for worker in workers {
                let backlog = try await storage.backlog(subscription: worker.subscription.name)
                let (_, running, parked) = await worker.status()
                gauges(of: worker.subscription).set(
                    backlog.counts, running: running, parked: parked, breaker: worker.gate.breakerState,
                    now: wallClock.now())
                count(backlog.appended)
            }
        } catch let error as StorageError where error.code == .closed {
            // There is nothing to show any more, and the engine ends.
        } catch is CancellationError {
            // Stopped meanwhile.
        } catch {
            logger.notice(
                "the backlog could not be measured; its gauges stay as they were",
                metadata: [
                    LogKey.storage: "\(storage.name)", LogKey.error: "\(DeliveryLog.oneLine("\(error)"))",
                ])
        }
    }

    private func gauges(of subscription: Subscription) -> SubscriptionGauges {
        if let known = gauges[subscription.name] { return known }
        let made = SubscriptionGauges(subscription, factory: factory)
        gauges[subscription.name] = made
        return made
    }

    private func countReclaims() {
        let now = storage.reclaimedDeliveries
        if now > reclaimed { reclaims.increment(by: now - reclaimed) }
        reclaimed = now
    }

    private func count(_ now: UInt64?) {
        guard let now else { return }
        if let appended, now > appended { sent.increment(by: now - appended) }
        appended = max(appended ?? now, now)
    }
}

/// The gauges of one subscription and its endpoint.
struct SubscriptionGauges: Sendable {
    private let states: [DeliveryState: Meter]
    private let parked: [ParkReason: Meter]
    private let oldestPendingAge: Meter
    private let running: Meter
    private let breaker: Meter

    init(_ subscription: Subscription, factory: any MetricsFactory) {
        func meter(_ name: String, _ more: (String, String)...) -> Meter {
            Meter(label: name, dimensions: [(MetricLabel.subscription, subscription.name)] + more, factory: factory)
        }
        states = Dictionary(
            uniqueKeysWithValues: DeliveryState.allCases.filter { $0 != .delivered }
                .map { ($0, meter(MetricName.deliveries, (MetricLabel.state, $0.rawValue))) })
        parked = Dictionary(
            uniqueKeysWithValues: ParkReason.allCases
                .map { ($0, meter(MetricName.parked, (MetricLabel.reason, $0.rawValue))) })
        oldestPendingAge = meter(MetricName.oldestPendingAge)
        running = meter(MetricName.running)
        breaker = Meter(
            label: MetricName.breakerState, dimensions: [(MetricLabel.endpoint, subscription.endpoint.name)],
            factory: factory)
    }

    func set(
        _ counts: DeliveryCounts, running runningCount: Int, parked reason: ParkReason?, breaker state: BreakerState,
        now: Date
    ) {
        states[.pending]?.set(counts.pending)
        states[.retrying]?.set(counts.retrying)
        states[.blocked]?.set(counts.blocked)
        states[.parked]?.set(counts.parked)
        states[.deadLettered]?.set(counts.deadLettered)
        for (candidate, meter) in parked where candidate != .unknownType {
            meter.set(candidate == reason ? max(0, counts.pending + counts.retrying - runningCount) : 0)
        }
        parked[.unknownType]?.set(counts.parked)
        oldestPendingAge.set(counts.oldestPending.map { max(0, now.timeIntervalSince($0)) } ?? 0)
        running.set(runningCount)
        breaker.set(state.metricValue)
    }
}

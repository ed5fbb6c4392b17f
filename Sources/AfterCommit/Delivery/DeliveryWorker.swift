import Foundation
package import Logging
import Synchronization

/// Delivers to one subscription: claims batches, lets lanes run the attempts, settles their outcomes.
///
/// It owns what is in flight. Its decisions are those of ``WorkerState``, ``OrderingState`` and ``DeliveryDecision``.
package actor DeliveryWorker {
    /// What someone waits for.
    package enum Condition: Sendable {
        /// Nothing can go on before time passes or something new comes.
        case idle
        /// Nothing is left to deliver.
        case drained
    }

    let subscription: Subscription
    let storage: any EventStorage
    let gate: EndpointGate
    let queue: LaneQueue
    let time: TimeSource
    let wallClock: any WallClock
    let log: DeliveryLog
    let tracing: EventTracing?
    var metrics: SubscriptionMetrics?
    let runner: AttemptRunner
    nonisolated let signal: WakeSignal
    let hasStorageChanged = Atomic(true)
    /// Dead letters may be gone that block keys.
    let haveDeadLettersChanged = Atomic(true)
    /// What is in hand belongs to other processes now.
    let haveLeasesBeenLost = Atomic(false)
    let shutdownRequest = Locked<Duration?>(nil)
    let timer: WakeTimer
    /// What the timer is armed for.
    var watchedUntil: Duration?

    var random: any RandomNumberGenerator & Sendable
    var state: WorkerState
    var ordering: OrderingState
    var unsettled: SettlementBatch
    /// Keys whose blocked deliveries have their turn.
    var keysToClaim: [String]
    /// A claim has not returned: what it takes is in nobody's hands yet.
    var isClaiming = false
    /// Those who wait until it has.
    var claimWaiters: [CheckedContinuation<Void, Never>] = []
    /// Settles that have not returned: what they tell is in the storage only after them.
    var settlesUnderWay = 0
    var totals: DeliveryTotals
    var probes = ProbeFailures()
    var room = RoomWait()
    var overstays = OverstayWatch()
    var lanes: [Int: Task<Void, Never>] = [:]
    var waiters: [UInt64: (condition: Condition, continuation: CheckedContinuation<Int?, Never>)] = [:]
    var lastWaiterID: UInt64 = 0
    let exhaustionTasks: ExhaustionTasks
    var stopsAt: Duration?
    let trial: SuspectTrial
    let clockWatch: SharedClockWatch
    /// Told the endpoint whose receiver wants nothing more.
    let onEndpointGone: @Sendable (String) -> Void
    let journal: (any AttemptJournal)?
    /// What was in flight when the last process died, with how many died while it ran alone.
    var suspects: [UInt64: Int]
    /// Claimed, heads of their keys, and waiting to be alone.
    var suspectsReady: [ClaimedDelivery] = []
    /// The suspect whose turn it is.
    var suspectOnTrial: UInt64?
    var suspectNotBefore: Duration?
    var hasBegun = false
    private(set) var hasEnded = false
    /// Those who wait until what is decided is stored; they are told what was refused as stale.
    var settleWaiters: [UInt64: CheckedContinuation<[UInt64], any Error>] = [:]
    /// Those of them whose outcomes no settle has taken yet.
    var newSettleWaiters: [UInt64] = []
    /// Why it ended by itself: the storage was closed.
    package var failure: (any Error)?

    package init(
        subscription: Subscription, place: SubscriptionPlace, storage: any EventStorage,
        gate: EndpointGate, configuration: EngineConfiguration, time: TimeSource,
        wallClock: any WallClock, random: any RandomNumberGenerator & Sendable, logger: Logger,
        totals: DeliveryTotals, trial: SuspectTrial, clockWatch: SharedClockWatch = SharedClockWatch(),
        onEndpointGone: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.totals = totals
        self.trial = trial
        suspects = Dictionary(place.suspects.map { ($0.sequence, $0.deaths) }, uniquingKeysWith: max)
        self.clockWatch = clockWatch
        self.onEndpointGone = onEndpointGone
        let journal = storage.attemptJournal(
            subscription: subscription.name,
            lanes: subscription.policy.concurrency * (subscription.batching?.size.size ?? 1))
        self.journal = journal
        let policy = subscription.policy
        let signal = WakeSignal()
        self.subscription = subscription
        self.storage = storage
        self.gate = gate
        self.signal = signal
        exhaustionTasks = ExhaustionTasks(signal: signal)
        self.time = time
        self.wallClock = wallClock
        self.random = random
        queue = LaneQueue(
            lanes: policy.concurrency, timeout: policy.timeout, batch: subscription.batching?.size ?? .one, gate: gate,
            journal: journal, time: time, wallClock: wallClock, signal: signal)
        timer = WakeTimer(time: time, signal: signal)
        log = DeliveryLog(
            logger: logger, subscription: subscription, storage: storage.name, levels: configuration.logLevels)
        tracing = EventTracing(configuration.tracer)
        let metrics = SubscriptionMetrics(configuration.metrics, subscription: subscription, totals: totals)
        self.metrics = metrics
        runner = AttemptRunner(
            subscription: subscription, storage: storage, log: log, time: time,
            wallClock: wallClock, interceptors: configuration.interceptors, tracing: tracing,
            durations: metrics?.attempts)
        // Twice the lanes, so that each finds its next delivery while outcomes are settled.
        let maxInFlight = max(configuration.maxInFlight, 2 * policy.concurrency * queue.batch.size)
        state = WorkerState(maxInFlight: maxInFlight, maxBlocked: policy.maxBlocked)
        ordering = OrderingState(
            maxHeld: maxInFlight / 4, storageOrdersKeys: storage.ordersKeys, places: place.orderedKeys)
        unsettled = SettlementBatch(subscription: subscription.name)
        keysToClaim = []
        gate.observe(with: signal)
        trial.join(
            SuspectTrial.Member(
                subscription: subscription.name, queue: queue, signal: signal, exhaustionTasks: exhaustionTasks))
    }

    // MARK: Signals from outside

    /// Something may have become claimable.
    package nonisolated func storageChanged() {
        if !hasStorageChanged.load(ordering: .sequentiallyConsistent) {
            hasStorageChanged.store(true, ordering: .sequentiallyConsistent)
        }
        signal.notify()
    }

    /// Dead letters were redriven or deleted.
    package nonisolated func deadLettersChanged() {
        haveDeadLettersChanged.store(true, ordering: .sequentiallyConsistent)
        signal.notify()
    }

    /// What was claimed is another process's now.
    package nonisolated func leasesLost() {
        haveLeasesBeenLost.store(true, ordering: .sequentiallyConsistent)
        storageChanged()
    }

    /// Asks ``run()`` to end: at once what was not begun, after `grace` what is running.
    package nonisolated func stop(grace: Duration) {
        shutdownRequest.withLock { $0 = min($0 ?? grace, grace) }
        queue.stopStarting()
        signal.notify()
    }

    /// Waits for a condition.
    /// - Returns: ``activity`` at that moment, or `nil` where the worker has ended or the task was cancelled.
    package func wait(for condition: Condition) async -> Int? {
        if hasEnded { return nil }
        lastWaiterID += 1
        let id = lastWaiterID
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume(returning: nil)
                } else {
                    waiters[id] = (condition, continuation)
                    // Looks at the storage afresh: the dates may have moved.
                    storageChanged()
                }
            }
        } onCancel: {
            Task { await self.giveUpWaiting(id) }
        }
    }

    /// Grows with all that is claimed and tried: equal values tell that nothing happened between.
    var activity: Int { state.claimCount + totals.attempts }

    func giveUpWaiting(_ id: UInt64) {
        waiters.removeValue(forKey: id)?.continuation.resume(returning: nil)
    }

    package func status() -> (totals: DeliveryTotals, running: Int, parked: ParkReason?) {
        let standing = queue.standing()
        var totals = totals
        totals.breakerOpened = gate.breakerOpenedCount
        let tooManyBlocked: ParkReason? =
            state.includesNew(blocked: ordering.blockedCount) ? nil : .tooManyBlocked
        return (totals, standing.running, standing.gate?.reason ?? tooManyBlocked)
    }

    // MARK: The loop

    /// Delivers until ``stop(grace:)``. It does not end on cancellation: the engine turns that into a stop.
    package func run() async {
        hasBegun = true
        startLanes()
        while true {
            signal.consume()
            // One instant for the whole turn: what is not due at it is what the timer is armed for.
            let now = time.now()
            let date = wallClock.now()
            if let jump = clockWatch.look(now: now, date: date) { log.clockJumped(jump) }
            if let instant = watchedUntil, instant <= now {
                watchedUntil = nil
                queue.watch(until: nil)
            }
            if hasStorageChanged.exchange(false, ordering: .sequentiallyConsistent) {
                state.storageChanged()
            }
            giveUpLostLeases()
            takeHarvest()
            var progressed = await settle(now: now)
            if stopsAt == nil, let grace = shutdownRequest.withLock({ $0 }) {
                await beginStopping(grace: grace)
            }
            if stopsAt != nil {
                if await hasStopped() { break }
            } else {
                progressed = await claim(now: now, date: date) || progressed
                queue.push([])
                trySuspects(now: now)
            }
            metrics?.report(totals)
            if progressed {
                // The lanes come first: a worker that looks after every attempt fights them for their cache lines, and settles
                // one by one what a moment later were many.
                await Task.yield()
            } else {
                resumeWaiters()
                armTimer(now: now, date: date)
                await signal.wait()
            }
        }
        // Failed probes were put back.
        await release(queue.close())
        timer.cancel()
        metrics?.report(totals)
        hasEnded = true
        resumeWaiters()
        for waiter in settleWaiters.values { waiter.resume(throwing: EventEngine.ended) }
        settleWaiters = [:]
    }
}

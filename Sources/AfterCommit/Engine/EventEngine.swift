public import Logging
public import ServiceLifecycle

/// Delivers the events of one storage to its subscriptions.
///
/// ```swift
/// let engine = try await EventEngine(storage: storage, logger: logger, subscriptions: [
///     Subscription("data-platform", to: OrderPlaced.self, policy: .http) { event, context in
///         try await dataPlatform.publish(event, idempotencyKey: context.idempotencyKey)
///     }
/// ])
/// try await ServiceGroup(services: [engine, server], gracefulShutdownSignals: [.sigterm], logger: logger).run()
/// ```
///
/// An engine owns the delivery of its storage from its making until ``run()`` ends or it is released.
public actor EventEngine: Service {
    enum Phase {
        case ready
        /// Running for as long as a drain needs.
        case draining
        case running
        case ended
    }

    let subscriptions: [Subscription]
    let storage: any EventStorage
    let configuration: EngineConfiguration
    let logger: Logger
    let time: TimeSource
    let wallClock: any WallClock
    var random: any RandomNumberGenerator & Sendable
    let gates: [String: EndpointGate]
    /// What a commit wakes. The storage holds it, so it must not hold the engine.
    let wakeUps = WakeUps()
    let delayed: DelayedPublisher
    var delayedTask: Task<Void, Never>?
    let sampler: MetricsSampler?
    var samplerTask: Task<Void, Never>?
    private(set) var workers: [DeliveryWorker] = []
    var tasks: [Task<Void, Never>] = []
    var drainTask: Task<Void, any Error>?
    var phase = Phase.ready
    var control = EngineControl()
    var isAttached = false

    /// Validates, takes the delivery of `storage`, and registers each subscription's place: events that commit after this
    /// returns reach every subscription. A subscription's name that is new starts at the next event.
    /// - Parameters:
    ///   - storage: where the events are.
    ///   - logger: what happens is logged to it.
    ///   - configuration: limits of the engine.
    ///   - clock: measures deadlines and waits.
    ///   - wallClock: dates retries and dead letters.
    ///   - random: the jitter of retries.
    ///   - subscriptions: whom to deliver to. Their compensations are subscriptions of this engine too.
    /// - Throws: ``EngineError`` for a configuration that cannot work; ``StorageError`` where another engine delivers.
    public init(
        storage: any EventStorage,
        logger: Logger,
        configuration: EngineConfiguration = EngineConfiguration(),
        clock: some Clock<Duration> = ContinuousClock(),
        wallClock: any WallClock = SystemWallClock(),
        random: any RandomNumberGenerator & Sendable = Xoshiro256.seededFromSystem(),
        subscriptions: [Subscription]
    ) async throws {
        try EngineValidation.validateCompensations(of: subscriptions, storage: storage)
        let subscriptions = subscriptions + subscriptions.flatMap { $0.compensations.map(\.subscription) }
        try EngineValidation.validate(
            subscriptions, configuration: configuration, leaseDuration: storage.leaseDuration,
            inboxWindow: storage.inboxWindow)
        self.subscriptions = subscriptions
        self.storage = storage
        self.configuration = configuration
        self.logger = logger
        self.wallClock = wallClock
        self.random = random
        let time = TimeSource(clock)
        self.time = time
        delayed = DelayedPublisher(storage: storage, time: time, wallClock: wallClock, logger: logger)
        sampler = MetricsSampler(
            configuration, storage: storage, time: time, wallClock: wallClock, logger: logger)
        gates = Dictionary(
            subscriptions.map { ($0.endpoint.name, EndpointGate($0.endpoint, now: time.now())) },
            uniquingKeysWith: { first, _ in first })
        try await makeWorkers()
        for orphan in try await orphanNames() {
            logger.warning(
                "a subscription has a place in the storage and no handler here; its events are kept for it",
                metadata: [LogKey.subscription: "\(orphan)", LogKey.storage: "\(storage.name)"])
        }
    }

    deinit {
        // An engine whose attaching was refused must not end another's.
        if isAttached { storage.detach() }
    }

    func makeWorkers() async throws {
        let wakeUps = wakeUps
        let isFirst = workers.isEmpty
        let places = try await storage.attach(
            subscriptions.map {
                SubscriptionRegistration(name: $0.name, types: $0.types, start: $0.start, retriesParked: isFirst)
            },
            wake: { wakeUps.wake($0) })
        isAttached = true
        var totals: [String: DeliveryTotals] = [:]
        for worker in workers { totals[worker.subscription.name] = await worker.totals }
        let clockWatch = SharedClockWatch()
        let trial = SuspectTrial()
        workers = zip(subscriptions, places).compactMap { subscription, place in
            gates[subscription.endpoint.name].map { gate in
                DeliveryWorker(
                    subscription: subscription, place: place, storage: storage, gate: gate,
                    configuration: configuration, time: time, wallClock: wallClock,
                    random: Xoshiro256(seed: random.next()), logger: logger,
                    totals: totals[subscription.name] ?? DeliveryTotals(), trial: trial, clockWatch: clockWatch,
                    onEndpointGone: { [weak self] endpoint in
                        Task { await self?.endpointIsGone(endpoint) }
                    })
            }
        }
        await applyControl()
        wakeUps.set(workers, delayed: delayed)
        await sampler?.sample(workers)
    }

    // MARK: Running

    /// Delivers until the service group shuts down gracefully or the task is cancelled, then returns.
    ///
    /// A graceful shutdown claims nothing more, waits up to ``EngineConfiguration/shutdownGracePeriod`` for running attempts
    /// and releases the rest, nothing charged. A cancellation waits for no attempt. An engine without subscriptions publishes
    /// delayed events until then.
    /// - Throws: ``EngineError`` with `alreadyRan` on a second call; ``StorageError`` with `closed` where the storage was
    ///   closed under it. Other failures of the storage are logged and tried again.
    public func run() async throws {
        while let drainTask {
            await withTaskCancellationHandler {
                await withGracefulShutdownHandler {
                    _ = await drainTask.result
                } onGracefulShutdown: {
                    drainTask.cancel()
                }
            } onCancel: {
                drainTask.cancel()
            }
        }
        guard phase == .ready else {
            throw EngineError(
                .alreadyRan, "this engine runs or has run; make another engine to deliver again")
        }
        phase = .running
        start()
        let workers = workers
        let grace = configuration.shutdownGracePeriod
        let (endings, ending) = AsyncStream.makeStream(of: Never.self)
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                // Without a worker nothing else lasts: a service group takes a service that returns for one that failed.
                if workers.isEmpty { for await _ in endings {} }
                for task in tasks { await task.value }
            } onGracefulShutdown: {
                ending.finish()
                for worker in workers { worker.stop(grace: grace) }
            }
        } onCancel: {
            ending.finish()
            for worker in workers { worker.stop(grace: .zero) }
        }
        await stopCompanions()
        phase = .ended
        detach()
        for worker in workers {
            if let failure = await worker.failure { throw failure }
        }
    }

    func detach() {
        wakeUps.set([], delayed: nil)
        isAttached = false
        storage.detach()
    }

    /// Ends what ran beside the workers, once those have ended.
    func stopCompanions() async {
        delayed.stop()
        await delayedTask?.value
        delayedTask = nil
        samplerTask?.cancel()
        await samplerTask?.value
        samplerTask = nil
        await sampler?.sample(workers)
    }

    static let ended = EngineError(
        .alreadyRan, "this engine has ended; make another engine to deliver what is left")

    func start() {
        let delayed = delayed
        delayed.begin()
        delayedTask = Task.detached { await delayed.run() }
        let workers = workers
        samplerTask = sampler.map { sampler in Task.detached { await sampler.run(workers) } }
        tasks = workers.map { worker in Task.detached { await worker.run() } }
    }
}

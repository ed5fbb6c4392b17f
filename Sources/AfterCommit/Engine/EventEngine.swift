public import Logging
public import ServiceLifecycle
import Synchronization

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
    private enum Phase {
        case ready
        /// Running for as long as a drain needs.
        case draining
        case running
        case ended
    }

    private let subscriptions: [Subscription]
    let storage: any EventStorage
    private let configuration: EngineConfiguration
    private let logger: Logger
    private let time: TimeSource
    private let wallClock: any WallClock
    private var random: any RandomNumberGenerator & Sendable
    private let gates: [String: EndpointGate]
    /// What a commit wakes. The storage holds it, so it must not hold the engine.
    private let wakeUps = WakeUps()
    private(set) var workers: [DeliveryWorker] = []
    private var tasks: [Task<Void, Never>] = []
    private var drainTask: Task<Void, any Error>?
    private var phase = Phase.ready
    var control = EngineControl()
    private var isAttached = false

    /// Validates, takes the delivery of `storage`, and registers each subscription's place: events that commit after this
    /// returns reach every subscription. A subscription's name that is new starts at the next event.
    /// - Parameters:
    ///   - storage: where the events are.
    ///   - logger: what happens is logged to it.
    ///   - configuration: limits of the engine.
    ///   - clock: measures deadlines and waits.
    ///   - wallClock: dates retries and dead letters.
    ///   - random: the jitter of retries.
    ///   - subscriptions: whom to deliver to.
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
        try EngineValidation.validate(
            subscriptions, configuration: configuration, leaseDuration: storage.leaseDuration)
        self.subscriptions = subscriptions
        self.storage = storage
        self.configuration = configuration
        self.logger = logger
        self.wallClock = wallClock
        self.random = random
        let time = TimeSource(clock)
        self.time = time
        gates = Dictionary(
            subscriptions.map { ($0.endpoint.name, EndpointGate($0.endpoint, now: time.now())) },
            uniquingKeysWith: { first, _ in first })
        try await makeWorkers()
        let orphans = Set(try await storage.registeredSubscriptions()).subtracting(subscriptions.map(\.name))
        for orphan in orphans.sorted() {
            logger.warning(
                "a subscription has a place in the storage and no handler here; its events are kept for it",
                metadata: [LogKey.subscription: "\(orphan)", LogKey.storage: "\(storage.name)"])
        }
    }

    deinit {
        // An engine whose attaching was refused must not end another's.
        if isAttached { storage.detach() }
    }

    private func makeWorkers() async throws {
        let wakeUps = wakeUps
        let places = try await storage.attach(
            subscriptions.map { SubscriptionRegistration(name: $0.name, types: [$0.type]) },
            wake: { wakeUps.wake() })
        isAttached = true
        var totals: [String: DeliveryTotals] = [:]
        for worker in workers { totals[worker.subscription.name] = await worker.totals }
        workers = zip(subscriptions, places).compactMap { subscription, place in
            gates[subscription.endpoint.name].map { gate in
                DeliveryWorker(
                    subscription: subscription, place: place, storage: storage, gate: gate,
                    configuration: configuration, time: time, wallClock: wallClock,
                    random: Xoshiro256(seed: random.next()), logger: logger,
                    totals: totals[subscription.name] ?? DeliveryTotals())
            }
        }
        await applyControl()
        wakeUps.set(workers)
    }

    // MARK: Running

    /// Delivers until the service group shuts down gracefully or the task is cancelled, then returns.
    ///
    /// A graceful shutdown claims nothing more, waits up to ``EngineConfiguration/shutdownGracePeriod`` for running attempts
    /// and releases the rest, nothing charged. A cancellation waits for no attempt.
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
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                for task in tasks { await task.value }
            } onGracefulShutdown: {
                for worker in workers { worker.stop(grace: grace) }
            }
        } onCancel: {
            for worker in workers { worker.stop(grace: .zero) }
        }
        phase = .ended
        detach()
        for worker in workers {
            if let failure = await worker.failure { throw failure }
        }
    }

    /// Delivers until nothing is left that could be delivered: waits for retries and parked deliveries,
    /// and for what handlers emit meanwhile. Dead letters, what waits behind them, and what is paused stay.
    ///
    /// It works beside ``run()``, and without it, as in a test.
    /// - Throws: `CancellationError` when cancelled; ``EngineError`` with `alreadyRan` once the engine has ended.
    public func drain() async throws {
        while let drainTask { _ = await drainTask.result }
        try Task.checkCancellation()
        switch phase {
        case .running, .draining:
            try await wait(for: .drained)
        case .ended:
            throw Self.ended
        case .ready:
            phase = .draining
            let task = Task { try await drainOnItsOwn() }
            drainTask = task
            try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        }
    }

    private func drainOnItsOwn() async throws {
        defer { drainTask = nil }
        start()
        let result: Result<Void, any Error>
        do {
            try await wait(for: .drained)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        for worker in workers { worker.stop(grace: configuration.shutdownGracePeriod) }
        for task in tasks { await task.value }
        detach()
        do {
            try await makeWorkers()
            phase = .ready
        } catch {
            // Another owner was quicker: this engine delivers no more.
            phase = .ended
            throw error
        }
        try result.get()
    }

    /// Waits until nothing can go on before time passes or something new is emitted: what a test waits for
    /// between two moves of its clock. Before ``run()`` has begun it waits for that too.
    /// - Throws: `CancellationError` when cancelled.
    public func waitUntilIdle() async throws {
        try await wait(for: .idle)
    }

    private func detach() {
        wakeUps.set([])
        isAttached = false
        storage.detach()
    }

    private static let ended = EngineError(
        .alreadyRan, "this engine has ended; make another engine to deliver what is left")

    private func start() {
        tasks = workers.map { worker in Task.detached { await worker.run() } }
    }

    private func wait(for condition: DeliveryWorker.Condition) async throws {
        // A handler may emit for a worker that was done already: only a second, quiet round proves the end.
        var before: [Int]?
        while true {
            var activity: [Int] = []
            for worker in workers {
                let active = await worker.wait(for: condition)
                try Task.checkCancellation()
                guard let active else { throw await worker.failure ?? Self.ended }
                activity.append(active)
            }
            if activity == before { return }
            before = activity
        }
    }

    // MARK: Emitting

    /// Emits an event outside a business transaction; it is durable when this returns, where the storage is durable.
    /// It waits, or throws, while the storage is full. Inside a transaction use the transaction's own `emit`.
    /// - Returns: the event's id.
    @discardableResult
    public nonisolated func emit<E: Event>(
        _ event: E, headers: [String: String] = [:]
    ) async throws -> EventID {
        try await storage.emit(event, headers: headers)
    }

    /// Emits several events in one commit, in order.
    @discardableResult
    public nonisolated func emit<E: Event>(
        contentsOf events: some Sequence<E>, headers: [String: String] = [:]
    ) async throws -> [EventID] {
        try await storage.emit(contentsOf: Array(events), headers: headers)
    }
}

/// Wakes all workers of an engine.
private final class WakeUps: Sendable {
    private let workers = Mutex<[DeliveryWorker]>([])

    func set(_ workers: [DeliveryWorker]) {
        self.workers.withLock { $0 = workers }
    }

    func wake() {
        for worker in workers.withLock({ $0 }) { worker.storageChanged() }
    }
}

public import Logging
public import ServiceLifecycle

/// Takes events from a source into a storage, from where an engine delivers them as it delivers all others: with retries,
/// dead letters, and each event once, however often the broker gives it out.
///
/// ```swift
/// let consumer = try EventConsumer("orders", from: source, into: storage, logger: logger)
/// let engine = try await EventEngine(storage: storage, logger: logger, subscriptions: [
///     storage.subscription("platform", to: OrderPlaced.self) { event, tx, context in try tx.insert(Row(event)) },
///     consumer.unreadable,
/// ])
/// try await ServiceGroup(services: [engine, consumer], gracefulShutdownSignals: [.sigterm], logger: logger).run()
/// ```
///
/// Messages are stored in batches, one commit for each, and acknowledged after it: nothing is lost in between, and what comes
/// twice is stored once, by its id, for 7 days. A broker that is away is tried again with a backoff. While the storage is full
/// one more batch is taken at most, and the broker keeps the rest.
///
/// What is no CloudEvent is stored, too, with its bytes, and becomes a dead letter of ``unreadable``. Redriven, it is read
/// again: by a binary that can, it becomes the event it is.
public actor EventConsumer: Service {
    public nonisolated let name: String
    /// Belongs among the engine's subscriptions: it holds the messages that are no events.
    public nonisolated let unreadable: Subscription

    /// What it has done since it began.
    public internal(set) var totals = ConsumerTotals()
    let source: any EventSource
    let storage: any EventStorage
    private let configuration: ConsumerConfiguration
    let reading: MessageReading
    let time: TimeSource
    var log: ConsumerLog
    private var sourceRetry: RetryDelay
    var storageRetry: RetryDelay
    private var hasRun = false

    /// - Parameters:
    ///   - name: 1 to 90 bytes, unique in an engine. The dead letters of ``unreadable`` belong to it.
    ///   - source: where messages come from. It is closed when ``run()`` ends.
    ///   - storage: where events are stored, as an outbox.
    ///   - logger: told of a source or a storage that is away, and of messages that are no events.
    ///   - configuration: how messages are taken.
    ///   - clock: measures waits.
    ///   - random: the jitter of waits.
    /// - Throws: ``ConsumerError``.
    public init(
        _ name: String, from source: any EventSource, into storage: any EventStorage, logger: Logger,
        configuration: ConsumerConfiguration = ConsumerConfiguration(),
        clock: some Clock<Duration> = ContinuousClock(),
        random: any RandomNumberGenerator & Sendable = Xoshiro256.seededFromSystem()
    ) throws(ConsumerError) {
        try configuration.validate(name: name)
        self.name = name
        self.source = source
        self.storage = storage
        self.configuration = configuration
        time = TimeSource(clock)
        reading = MessageReading(
            consumer: name, typePrefix: configuration.eventTypePrefix,
            maxPayloadBytes: storage.envelopes.maxPayloadBytes)
        log = ConsumerLog(consumer: name, source: source.name, logger: logger, metrics: configuration.metrics)
        sourceRetry = RetryDelay(configuration.backoff, random: random)
        storageRetry = sourceRetry
        unreadable = .unreadable(reading, storage: storage)
    }

    /// Takes events until the service group shuts down, or the task is cancelled; then it closes the source and returns.
    /// - Throws: ``ConsumerError`` where the engine does not have ``unreadable``, or on a second call; ``StorageError`` where the
    ///   storage is closed, or is a status column. Other failures are logged and tried again.
    public func run() async throws {
        guard !hasRun else {
            throw ConsumerError(.alreadyRan, "the consumer \(name) runs or has run; make another one")
        }
        hasRun = true
        let result: Result<Void, any Error>
        do {
            try await cancelWhenGracefulShutdown {
                try await self.checkSubscription()
                try await self.takeAll()
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await source.close()
        if case .failure(let error) = result, !(error is CancellationError) { throw error }
    }

    private func checkSubscription() async throws {
        var names: [String]?
        while names == nil {
            do {
                names = try await storage.registeredSubscriptions()
            } catch {
                try await hold(error)
            }
        }
        guard names?.contains(unreadable.name) == true else {
            throw ConsumerError(
                .missingSubscription,
                "no engine holds the messages of \(name) that are no events: make the engine first, with `consumer.unreadable` among its subscriptions"
            )
        }
    }

    /// While one batch is being stored the next one is received and read: a commit waits for the disk.
    private func takeAll() async throws {
        var batch = try await nextBatch()
        while true {
            try Task.checkCancellation()
            async let next = nextBatch()
            await settle(try await store(batch))
            log.count(totals)
            batch = try await next
        }
    }

    private func nextBatch() async throws -> MessageBatch {
        while true {
            try Task.checkCancellation()
            do {
                let messages = try await source.receive(upTo: configuration.batchSize)
                log.sourceIsThere()
                sourceRetry.succeeded()
                totals.received += messages.count
                return MessageBatch(messages, reading: reading, now: storage.envelopes.wallClock.now())
            } catch {
                try Task.checkCancellation()
                totals.failedReceives += 1
                log.sourceIsAway(error)
                try await time.sleep(until: time.now() + sourceRetry.failed())
            }
        }
    }
}

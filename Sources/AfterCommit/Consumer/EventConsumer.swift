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
    public private(set) var totals = ConsumerTotals()
    private let source: any EventSource
    private let storage: any EventStorage
    private let configuration: ConsumerConfiguration
    private let reading: MessageReading
    private let time: TimeSource
    private var log: ConsumerLog
    private var sourceRetry: RetryDelay
    private var storageRetry: RetryDelay
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

    // MARK: Storing

    /// Stores what of the messages are events, and what of them are none.
    /// - Returns: what the broker is to be told.
    private func store(_ batch: MessageBatch) async throws -> [MessageSettlement] {
        let messages = batch.messages
        let report = try await receive(batch.events)
        totals.duplicates += report.duplicates.count
        totals.taken += batch.events.count - report.duplicates.count - report.refused.count
        // What the storage does not take as an event is kept as a message that is none.
        var unread = batch.unread
        for (index, refusal) in report.refused { unread[batch.positions[index]] = refusal }
        var settlements = messages.map { MessageSettlement($0.receipt, .accepted) }
        guard !unread.isEmpty else { return settlements }
        for (position, refusal) in try await keep(unread, of: messages) {
            log.rejected("\(refusal)")
            settlements[position].outcome = .rejected(reason: "\(refusal)")
        }
        return settlements
    }

    /// Stores messages that are no events, each as the dead letter it will be.
    /// - Returns: what cannot be stored even so, by position.
    private func keep(
        _ unread: [Int: any Error], of messages: [IncomingMessage]
    ) async throws -> [Int: EmitError] {
        let positions = unread.keys.sorted()
        let envelopes = storage.envelopes
        let emissions = positions.compactMap { position in
            unread[position].map { reason in
                log.unreadable(reason)
                return reading.unreadable(
                    messages[position], reason: reason, id: envelopes.ids.next(), now: envelopes.wallClock.now())
            }
        }
        let report = try await receive(emissions)
        totals.unreadable += emissions.count - report.refused.count
        totals.rejected += report.refused.count
        return Dictionary(
            report.refused.map { (positions[$0.key], $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// Stores them, however often that must be tried. Where all of them find no room, some may.
    private func receive(_ emissions: [Emission]) async throws -> ReceiveReport {
        var report = ReceiveReport()
        var stored = 0
        var size = emissions.count
        while stored < emissions.count {
            let part = Array(emissions[stored..<min(stored + size, emissions.count)])
            do {
                let partial = try await storage.receive(part)
                log.storageTook()
                storageRetry.succeeded()
                report.duplicates += partial.duplicates.map { $0 + stored }
                for (index, refusal) in partial.refused { report.refused[index + stored] = refusal }
                stored += part.count
            } catch let error as StorageError where error.code == .storageFull && size > 1 {
                size = (size + 1) / 2
            } catch {
                try await hold(error)
            }
        }
        return report
    }

    /// Waits before the storage is asked again that has just failed.
    /// - Throws: the error of a storage that will never answer.
    private func hold(_ error: any Error) async throws {
        if let error = error as? StorageError, [.closed, .needsOutbox].contains(error.code) { throw error }
        try Task.checkCancellation()
        log.storageRefused(error)
        try await time.sleep(until: time.now() + storageRetry.failed())
    }

    private func settle(_ settlements: [MessageSettlement]) async {
        do {
            try await source.settle(settlements)
        } catch {
            log.settlingFailed(error, count: settlements.count)
        }
    }
}

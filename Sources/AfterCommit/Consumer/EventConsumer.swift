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
/// nothing more is taken, and the broker keeps the rest.
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
    private var retry: RetryDelay
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
        retry = RetryDelay(configuration.backoff, random: random)
        unreadable = .unreadable(reading, wallClock: storage.envelopes.wallClock)
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
        let names = try await asking { try await self.storage.registeredSubscriptions() }
        guard names.contains(unreadable.name) else {
            throw ConsumerError(
                .missingSubscription,
                "no engine holds the messages of \(name) that are no events: make the engine first, with `consumer.unreadable` among its subscriptions"
            )
        }
    }

    private func takeAll() async throws {
        while true {
            try Task.checkCancellation()
            let messages: [IncomingMessage]
            do {
                messages = try await source.receive(upTo: configuration.batchSize)
            } catch {
                try Task.checkCancellation()
                totals.failedReceives += 1
                log.sourceIsAway(error)
                try await pause()
                continue
            }
            log.sourceIsThere()
            retry.succeeded()
            totals.received += messages.count
            await settle(try await store(messages))
            log.count(totals)
        }
    }

    private func pause() async throws {
        try await time.sleep(until: time.now() + retry.failed())
    }

    // MARK: Storing

    /// - Returns: what the broker is to be told.
    private func store(_ messages: [IncomingMessage]) async throws -> [MessageSettlement] {
        let now = storage.envelopes.wallClock.now()
        let emissions = messages.map { message in
            do {
                return try reading.event(message, now: now)
            } catch {
                return unreadable(message, error)
            }
        }
        let report = try await receive(emissions)
        totals.duplicates += report.duplicates.count
        totals.taken += emissions.count - report.duplicates.count - report.refused.count
        guard !report.refused.isEmpty else { return messages.map { MessageSettlement($0.receipt, .accepted) } }
        return try await storeRefused(report.refused, of: messages)
    }

    /// What the storage does not take as an event is kept as a message that is none.
    private func storeRefused(
        _ refused: [Int: EmitError], of messages: [IncomingMessage]
    ) async throws -> [MessageSettlement] {
        let positions = refused.keys.sorted()
        let reasons = positions.compactMap { refused[$0] }
        let emissions = zip(positions, reasons).map { unreadable(messages[$0], $1) }
        let second = try await receive(emissions)
        totals.taken += emissions.count - second.refused.count
        var settlements = messages.map { MessageSettlement($0.receipt, .accepted) }
        for (index, error) in second.refused {
            totals.rejected += 1
            log.rejected("\(error)")
            settlements[positions[index]].outcome = .rejected(reason: "\(error)")
        }
        return settlements
    }

    private func unreadable(_ message: IncomingMessage, _ error: any Error) -> Emission {
        totals.unreadable += 1
        log.unreadable(error)
        let envelopes = storage.envelopes
        return reading.unreadable(message, reason: error, id: envelopes.ids.next(), now: envelopes.wallClock.now())
    }

    /// Stores them, however often that must be tried.
    private func receive(_ emissions: [Emission]) async throws -> ReceiveReport {
        try await asking { try await self.storage.receive(emissions) }
    }

    /// Asks the storage until it answers, unless it never will.
    private func asking<R: Sendable>(_ body: @Sendable () async throws -> R) async throws -> R {
        while true {
            do {
                let answer = try await body()
                log.storageTook()
                retry.succeeded()
                return answer
            } catch let error as StorageError where [.closed, .needsOutbox].contains(error.code) {
                throw error
            } catch {
                try Task.checkCancellation()
                log.storageRefused(error)
                try await pause()
            }
        }
    }

    private func settle(_ settlements: [MessageSettlement]) async {
        do {
            try await source.settle(settlements)
        } catch {
            log.settlingFailed(error, count: settlements.count)
        }
    }
}

public import Logging
public import ServiceLifecycle

/// Handles the events of a source without storing them first: a transaction with the key of the event in the inbox is all.
///
/// For consumers that need neither stored retries nor dead letters of their own: the broker keeps both. What the handler writes
/// and emits and the key are one commit, so its effects happen once.
///
/// ```swift
/// let consumer = try DirectConsumer("ledger", from: source, inbox: storage, to: OrderPlaced.self, logger: logger) {
///     event, tx, context in
///     try tx.insert(LedgerEntry(order: event.orderID, amount: event.total))
/// }
/// ```
///
/// Events of one ordering key are handled one after another, others at once, as many as ``DeliveryPolicy/concurrency`` says. A
/// failed one is tried again as the policy says while its message stays out, and what comes behind it under its key waits; then
/// the message is rejected, to the broker's dead letters, and the key goes on. A message that is no event of the type is rejected
/// at once. An inbox that is away costs no attempt. The policy's timeout and budget have no part here: handlers are synchronous.
public actor DirectConsumer<Storage: TransactionalStorage>: Service {
    public nonisolated let name: String
    /// What it has done since it began.
    public internal(set) var totals = ConsumerTotals()

    /// Returns whether it was handled now, and not before.
    typealias Handle = @Sendable (Envelope, DirectContext) async throws -> Bool

    let source: any EventSource
    let policy: DeliveryPolicy
    private let reading: MessageReading
    private let batchSize: Int
    private let wallClock: any WallClock
    let time: TimeSource
    let logger: Logger
    let handle: Handle
    var log: ConsumerLog
    private var retry: RetryDelay
    var random: any RandomNumberGenerator & Sendable
    var lanes = KeyedLanes()
    var room: CheckedContinuation<Void, Never>?
    var settlements: [MessageSettlement] = []
    /// How many events the settlements reject: one may have several receipts.
    var rejections = 0
    var isSettling = false
    var hasFailedToSettle = false
    private var hasRun = false

    /// - Parameters:
    ///   - name: 1 to 90 bytes. It is a part of the inbox's keys, so renaming handles again what comes again.
    ///   - source: where messages come from. It is closed when ``run()`` ends.
    ///   - inbox: where keys are remembered and effects are written.
    ///   - type: the events' type.
    ///   - policy: how often a failing event is tried, after which waits, and how many at once.
    ///   - logger: told of failed attempts and rejected messages.
    ///   - configuration: how messages are taken.
    ///   - clock: measures waits.
    ///   - random: the jitter of waits.
    ///   - handler: runs in the transaction, synchronously, and may run more than once before its commit.
    /// - Throws: ``ConsumerError``.
    public init<E: Event>(
        _ name: String, from source: any EventSource, inbox: Storage, to type: E.Type,
        policy: DeliveryPolicy = .standard, logger: Logger,
        configuration: ConsumerConfiguration = ConsumerConfiguration(),
        clock: some Clock<Duration> = ContinuousClock(),
        random: any RandomNumberGenerator & Sendable = Xoshiro256.seededFromSystem(),
        handler: @escaping @Sendable (E, Storage.Transaction, DirectContext) throws -> Void
    ) throws(ConsumerError) {
        try configuration.validate(name: name)
        guard policy.concurrency > 0 else {
            throw ConsumerError(.invalidConfiguration, "the concurrency of \(name) must be at least 1")
        }
        self.name = name
        self.source = source
        self.policy = policy
        batchSize = configuration.batchSize
        self.logger = logger
        self.random = random
        wallClock = inbox.envelopes.wallClock
        time = TimeSource(clock)
        reading = MessageReading(
            consumer: name, typePrefix: configuration.eventTypePrefix,
            maxPayloadBytes: inbox.envelopes.maxPayloadBytes)
        log = ConsumerLog(consumer: name, source: source.name, logger: logger, metrics: configuration.metrics)
        retry = RetryDelay(configuration.backoff, random: random)
        let coder = inbox.envelopes.coder
        handle = { envelope, context in
            guard envelope.type == E.type else {
                throw HandlerOutcome.permanent(ForeignEventType(type: envelope.type))
            }
            let event = try envelope.event(E.self, coder: coder)
            return try await inbox.once(context.idempotencyKey, request: envelope.bytes(using: coder)) { tx in
                try handler(event, tx, context)
            }
        }
    }

    /// Handles events until the service group shuts down, or the task is cancelled; then it waits for the attempts under way,
    /// closes the source and returns. What waits for a retry is given out again by the broker.
    /// - Throws: ``ConsumerError`` on a second call.
    public func run() async throws {
        guard !hasRun else {
            throw ConsumerError(.alreadyRan, "the consumer \(name) runs or has run; make another one")
        }
        hasRun = true
        // It ends with a cancellation, however the end was asked for.
        try? await cancelWhenGracefulShutdown { try await self.takeAll() }
        log.count(totals)
        await source.close()
    }

    private func takeAll() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                try Task.checkCancellation()
                if hasFailedToSettle {
                    hasFailedToSettle = false
                    try await time.sleep(until: time.now() + retry.failed())
                }
                for message in try await receive() {
                    guard let job = await job(of: message), begins(job) else { continue }
                    group.addTask { await self.run(job) }
                    while lanes.running >= policy.concurrency { await withCheckedContinuation { room = $0 } }
                }
                log.count(totals)
            }
        }
    }

    private func receive() async throws -> [IncomingMessage] {
        do {
            let messages = try await source.receive(upTo: batchSize)
            log.sourceIsThere()
            retry.succeeded()
            totals.received += messages.count
            return messages
        } catch {
            try Task.checkCancellation()
            totals.failedReceives += 1
            log.sourceIsAway(error)
            try await time.sleep(until: time.now() + retry.failed())
            return []
        }
    }

    private func begins(_ job: KeyedLanes.Job) -> Bool {
        switch lanes.admit(job) {
        case .begins: return true
        case .waits: return false
        case .joins:
            totals.duplicates += 1
            return false
        }
    }

    /// - Returns: `nil` for a message that is no event, and is rejected.
    private func job(of message: IncomingMessage) async -> KeyedLanes.Job? {
        do {
            let envelope = try reading.event(message, now: wallClock.now()).envelope
            return KeyedLanes.Job(receipt: message.receipt, envelope: envelope, redeliveries: message.redeliveries)
        } catch {
            totals.unreadable += 1
            log.unreadable(error)
            await reject([message.receipt], "\(error)")
            return nil
        }
    }
}

/// An event of a type that the consumer does not handle.
private struct ForeignEventType: DeliveryFailureDescribing, CustomStringConvertible {
    let type: EventType
    var failureType: String { "unknownType" }
    var failureStatus: Int? { nil }
    var description: String { "the consumer handles no events of type \(DeliveryLog.oneLine(type.rawValue))" }
}

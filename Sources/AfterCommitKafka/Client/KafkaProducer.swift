#if Kafka
import AfterCommit
import CRDKafka
import Logging

/// An idempotent producer on a thread of its own. What becomes of a message is known from its delivery report alone.
actor KafkaProducer {
    nonisolated let thread: StoreThread
    /// Raised where the client has something to tell.
    let signal = Signal()
    private let configuration: KafkaConfiguration
    private let messageTimeout: Duration
    let time: TimeSource
    private let logger: Logger

    var handle: KafkaHandle?
    var ledger = BatchLedger()
    var line = SendLine()
    /// How many messages the client has and did not report on.
    var inClient = 0
    private var waiters: [UInt32: CheckedContinuation<[KafkaError?], Never>] = [:]
    var presence = BrokerPresence()
    private var renewal: RetryGate<KafkaError>
    /// Why the client is being given up: as soon as it has reported on everything it is made anew.
    private var ending: KafkaError?
    var isClosing = false
    var closeWaiter: CheckedContinuation<Void, Never>?

    /// - Throws: ``KafkaError`` for a configuration that cannot work.
    init(
        _ configuration: KafkaConfiguration, messageTimeout: Duration, renewal: RetryGate<KafkaError>, time: TimeSource,
        logger: Logger
    ) throws(KafkaError) {
        self.configuration = configuration
        self.messageTimeout = messageTimeout
        self.renewal = renewal
        self.time = time
        self.logger = logger
        thread = StoreThread(name: "kafka-producer", signal: signal)
        handle = try Self.makeHandle(configuration, messageTimeout, signal)
        thread.start { [weak self] in
            self?.assumeIsolated { $0.serve() }
        }
    }

    deinit {
        thread.stop()
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    private static func makeHandle(
        _ configuration: KafkaConfiguration, _ messageTimeout: Duration, _ signal: Signal
    ) throws(KafkaError) -> KafkaHandle {
        try KafkaHandle(
            .producer, configuration,
            [
                "enable.idempotence": "true", "acks": "all",
                "message.timeout.ms": "\(messageTimeout.wholeMilliseconds)",
            ], signal: signal)
    }

    /// Sends messages, and returns when each one's fate is known. It waits while the client's queue is full.
    /// - Returns: an outcome for each, in order: `nil` for one that all replicas in sync have.
    func send(_ records: [KafkaRecord]) async -> [KafkaError?] {
        guard !records.isEmpty else { return [] }
        if let refusal = isClosing ? .closed : presence.refusal(pending: ledger.missing) {
            return Array(repeating: refusal, count: records.count)
        }
        let batch = ledger.open(count: records.count)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiters[batch] = continuation
                line.append(batch, records)
                fill()
            }
        } onCancel: {
            // It comes after what is above: both run here, one after the other.
            Task { await self.cancel(batch) }
        }
    }

    /// What the client has of it may still arrive; its reports are left out.
    private func cancel(_ batch: UInt32) {
        line.remove(batch)
        finish(
            ledger.end(batch, KafkaError(RD_KAFKA_RESP_ERR__INTR, "the attempt was cancelled before its report came")))
    }

    func finish(_ completion: BatchLedger.Completion?) {
        guard let completion else { return }
        waiters.removeValue(forKey: completion.batch)?.resume(returning: completion.outcomes)
        endIfIdle()
    }

    // MARK: The client's events

    /// Takes what the client reports, and gives it what waits.
    private func serve() {
        while let event = handle?.nextEvent() { take(event) }
        if let ending, inClient == 0 {
            handle?.destroy()
            handle = nil
            self.ending = nil
            renewal.failed(ending, now: time.now())
        }
        fill()
    }

    private func take(_ event: borrowing KafkaEvent) {
        switch event.type {
        case RD_KAFKA_EVENT_DR:
            event.forEachReport { token, error in report(token, error) }
        case RD_KAFKA_EVENT_ERROR:
            let error = event.error
            if event.isFatal {
                giveUp(handle?.fatalError ?? error)
            } else if event.response == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN {
                if !presence.isDoubtful {
                    logger.warning("no Kafka broker can be reached", metadata: [LogKey.error: "\(error)"])
                }
                presence.allBrokersDown(error, pending: ledger.missing)
            } else {
                logger.debug("the Kafka client met an error", metadata: [LogKey.error: "\(error)"])
            }
        case RD_KAFKA_EVENT_LOG: event.log(to: logger)
        default: break
        }
    }

    private func report(_ token: UInt, _ response: rd_kafka_resp_err_t) {
        inClient -= 1
        var error: KafkaError?
        if response == RD_KAFKA_RESP_ERR_NO_ERROR {
            presence.answered()
            renewal.succeeded()
        } else {
            // The client's own errors are negative; the others are a broker's.
            if response.rawValue > 0 { presence.answered() }
            if response == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT { presence.timedOut() }
            error = ending ?? KafkaError(response)
        }
        finish(ledger.settle(BatchLedger.Token(bits: token), error))
    }

    /// The client can do nothing more. Everything it has is reported as failed, and a new one is made for what comes next.
    private func giveUp(_ error: KafkaError) {
        guard ending == nil else { return }
        ending = error
        logger.error("the Kafka producer failed and is made anew", metadata: [LogKey.error: "\(error)"])
        if let failure = handle?.purge() {
            logger.error(
                "the Kafka producer keeps what it has until it times out", metadata: [LogKey.error: "\(failure)"])
        }
        // It may have nothing to report.
        signal.raise()
    }

    // MARK: Sending

    /// Gives the client as much of what waits as it takes.
    private func fill() {
        guard ending == nil, !line.isEmpty else { return }
        if handle == nil, let refusal = makeHandle() {
            for batch in line.removeAll() { finish(ledger.end(batch, refusal)) }
            return
        }
        while let next = line.next, let handle {
            let token = BatchLedger.Token(batch: next.batch, index: next.index)
            guard let error = handle.produce(next.record, token: token.bits) else {
                inClient += 1
                line.advance()
                continue
            }
            // With a full queue it goes on when reports have made room, and a message that finds none in an empty one has
            // failed.
            if error.name == Self.queueFull, inClient > 0 { return }
            if let fatal = handle.fatalError { return giveUp(fatal) }
            line.advance()
            finish(ledger.settle(token, error))
        }
    }

    private static let queueFull = "_QUEUE_FULL"

    /// - Returns: why there is none yet.
    private func makeHandle() -> KafkaError? {
        if let refusal = renewal.refusal(now: time.now()) { return refusal }
        do throws(KafkaError) {
            handle = try Self.makeHandle(configuration, messageTimeout, signal)
            presence = BrokerPresence()
            return nil
        } catch {
            renewal.failed(error, now: time.now())
            return error
        }
    }
}
#endif

#if Kafka
import AfterCommit
import CRDKafka
import Logging

/// A member of a consumer group on a thread of its own. The thread takes part in the group all the time, whoever asks for
/// messages or does not, so that backpressure never looks like a member that hangs.
actor KafkaConsumer {
    struct Waiter {
        let id: Int
        let limit: Int
        let continuation: CheckedContinuation<[GivenMessage], any Error>
    }

    nonisolated let thread: StoreThread
    /// Raised where the client has something to tell.
    let signal = Signal()
    let configuration: KafkaConfiguration
    let topics: [String]
    let group: String
    let deadLetterTopic: String?
    let settings: KafkaEventSourceConfiguration
    let time: TimeSource
    let random: any RandomNumberGenerator & Sendable
    let logger: Logger

    var handle: KafkaHandle?
    var assignment = Assignment()
    var isSubscribed = false
    var renewal: RetryGate<KafkaError>
    /// Why the client is being given up, as soon as nothing of it is held any more.
    var ending: KafkaError?
    /// What the next one who asks is told.
    var failure: KafkaError?
    var waiters: [Waiter] = []
    var lastWaiter = 0
    var isClosing = false
    var closeWaiter: CheckedContinuation<Void, Never>?
    /// Writes dead letters.
    var deadLetters: KafkaProducer?
    /// Counts rejections that fail one after the other.
    var rejectionRetry: RetryDelay
    /// Ends the wait of what was returned and is not given out again at once.
    var returnTimer: Task<Void, Never>?

    /// - Throws: ``KafkaError`` for a configuration that cannot work.
    init(
        _ configuration: KafkaConfiguration, topics: [String], group: String, deadLetterTopic: String?,
        settings: KafkaEventSourceConfiguration, time: TimeSource, random: any RandomNumberGenerator & Sendable,
        logger: Logger
    ) throws(KafkaError) {
        self.configuration = configuration
        self.topics = topics
        self.group = group
        self.deadLetterTopic = deadLetterTopic
        self.settings = settings
        self.time = time
        self.logger = logger
        self.random = random
        renewal = RetryGate(settings.backoff, firstAtOnce: true, random: random)
        rejectionRetry = RetryDelay(settings.backoff, random: random)
        thread = StoreThread(name: "kafka-consumer", signal: signal)
        handle = try Self.makeHandle(configuration, group, signal)
        // Often enough for max.poll.interval.ms, which is 5 minutes by default.
        let interval = configuration.properties["max.poll.interval.ms"].flatMap(Int.init) ?? 300_000
        thread.start(tick: .milliseconds(min(5_000, max(100, interval / 3)))) { [weak self] in
            self?.assumeIsolated { $0.serve() }
        }
    }

    deinit {
        returnTimer?.cancel()
        thread.stop()
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    static func makeHandle(
        _ configuration: KafkaConfiguration, _ group: String, _ signal: Signal
    ) throws(KafkaError) -> KafkaHandle {
        try KafkaHandle(
            .consumer, configuration,
            [
                "group.id": group, "partition.assignment.strategy": "cooperative-sticky",
                "enable.auto.offset.store": "false", "enable.auto.commit": "true",
            ], signal: signal)
    }

    // MARK: The client's events

    /// Takes part in the group, and gives out what came.
    private func serve() {
        while let event = handle?.nextEvent() { take(event) }
        endIfFailed()
        giveOut()
        endIfClosed()
    }

    private func take(_ event: borrowing KafkaEvent) {
        switch event.type {
        case RD_KAFKA_EVENT_REBALANCE:
            do throws(KafkaError) {
                try rebalance(event)
            } catch {
                // Nobody knows what it is assigned now.
                ending = error
            }
        case RD_KAFKA_EVENT_ERROR: note(event.error)
        case RD_KAFKA_EVENT_LOG: event.log(to: logger)
        default: break
        }
    }

    func note(_ error: KafkaError) {
        if let fatal = handle?.fatalError {
            ending = fatal
            return
        }
        switch error.name {
        case "_TRANSPORT", "_RESOLVE", "_TIMED_OUT":
            // Of one broker; the client goes on with the others, and tells when there are none.
            logger.debug("the Kafka client met an error", metadata: [LogKey.error: "\(error)"])
        default: failure = error
        }
    }

    /// A client that can do nothing more is ended: another one takes its place in the group, and what is out comes again.
    func endIfFailed() {
        guard let error = ending else { return }
        ending = nil
        logger.error("the Kafka consumer failed and is made anew", metadata: [LogKey.error: "\(error)"])
        assignment.revokeAll()
        handle?.destroy()
        handle = nil
        isSubscribed = false
        renewal.failed(error, now: time.now())
        failure = error
    }

    /// Nobody is given anything any more.
    func turnAwayAll() {
        isClosing = true
        returnTimer?.cancel()
        let waiters = waiters
        self.waiters = []
        for waiter in waiters { waiter.continuation.resume(throwing: KafkaError.closed) }
    }

    var isMember: Bool { handle != nil && isSubscribed }

    // MARK: Tests

    var isWaitedFor: Bool { !waiters.isEmpty }

    /// Lets the client fail as if another member had taken its place (librdkafka, `rd_kafka_test_fatal_error`).
    func failFatally() -> Bool {
        guard let handle else { return false }
        return rd_kafka_test_fatal_error(handle.pointer, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, "asked for by a test")
            == RD_KAFKA_RESP_ERR_NO_ERROR
    }
}
#endif

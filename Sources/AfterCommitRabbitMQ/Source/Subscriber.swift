#if RabbitMQ
import AfterCommit
import CRabbitMQ
import Foundation
import Logging

/// Takes from a queue on a connection and a thread of its own, keeps what has come until somebody asks, and tells the broker
/// what became of it.
actor Subscriber {
    private struct Inbox {
        var waiters: [ReceiveWaiter] = []
        var isClosed = false
    }

    nonisolated let thread: StoreThread
    private nonisolated let signal: SocketSignal
    private nonisolated let interrupt: Interrupt
    private nonisolated let inbox = Locked(Inbox())
    private let broker: RabbitMQConfiguration
    private let configuration: RabbitMQEventSourceConfiguration
    private let time: TimeSource
    private let logger: Logger

    private(set) var connection: BrokerConnection?
    /// Which connection it is, from 1: what was given out on another is the broker's again.
    private(set) var generation: UInt64 = 0
    var acks = AckLedger()
    /// Come and not asked for, at most the prefetch.
    private var buffer = DeliveryBuffer()
    private var waiters: [ReceiveWaiter] = []

    init(
        _ broker: RabbitMQConfiguration, _ configuration: RabbitMQEventSourceConfiguration, time: TimeSource,
        logger: Logger
    ) throws {
        self.broker = broker
        self.configuration = configuration
        self.time = time
        self.logger = logger
        interrupt = try Interrupt()
        signal = try SocketSignal()
        thread = StoreThread(name: "rabbitmq-source", signal: signal)
        thread.start { [weak self] in self?.assumeIsolated { $0.turn() } }
    }

    deinit {
        thread.stop()
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Takes one who waits.
    nonisolated func submit(_ waiter: ReceiveWaiter) {
        let isClosed = inbox.withLock { inbox in
            if !inbox.isClosed { inbox.waiters.append(waiter) }
            return inbox.isClosed
        }
        guard !isClosed else { return waiter.fail(.closedSource) }
        signal.raise()
    }

    /// What was settled is on its way, and read by the broker where it answers; the thread is gone when this returns.
    nonisolated func close() async {
        interrupt.raise()
        await end()
        thread.stop()
        await thread.end()
    }

    private func end() {
        let waiting = inbox.withLock { inbox in
            inbox.isClosed = true
            defer { inbox.waiters = [] }
            return inbox.waiters
        }
        for waiter in waiters + waiting { waiter.fail(.closedSource) }
        waiters = []
        // A broker that does not answer is left with a closed socket.
        try? connection?.close()
        drop()
    }

    // MARK: Work of the thread

    private func turn() {
        waiters += inbox.withLock { inbox in
            defer { inbox.waiters = [] }
            return inbox.waiters
        }
        waiters.removeAll(where: \.isDone)
        do throws(RabbitMQError) {
            // First: who hung up meanwhile is connected to again.
            do throws(RabbitMQError) {
                try read()
            } catch {
                guard waiters.isEmpty else { throw error }
                // Nobody waits: whoever comes next connects again.
                drop()
            }
            if !waiters.isEmpty, connection == nil {
                try open()
                try read()
            }
            handOut()
        } catch {
            drop()
            for waiter in waiters { waiter.fail(error) }
            waiters = []
        }
        signal.watch(
            connection?.descriptor, writing: false, atMost: connection?.heartbeat.map { $0 / 2 })
    }

    private func open() throws(RabbitMQError) {
        let connection = try BrokerConnection.connect(
            broker, maxBodyBytes: configuration.maxMessageBytes, interrupt: interrupt, time: time)
        try connection.openChannel(configuration.topology)
        var limit = amqp_basic_qos_t(prefetch_size: 0, prefetch_count: UInt16(configuration.prefetch), global: 0)
        try connection.call(AMQP_BASIC_QOS_METHOD, &limit, answer: AMQP_BASIC_QOS_OK_METHOD)
        try consume(connection)
        self.connection = connection
        generation += 1
    }

    private func consume(_ connection: BrokerConnection) throws(RabbitMQError) {
        var arena = BytesArena()
        let name = arena.append(configuration.queue)
        let result: Result<Void, RabbitMQError> = arena.withBytes { lent in
            var consume = amqp_basic_consume_t(
                ticket: 0, queue: lent[name], consumer_tag: amqp_empty_bytes, no_local: 0, no_ack: 0, exclusive: 0,
                nowait: 0, arguments: amqp_empty_table)
            return Result { () throws(RabbitMQError) in
                try connection.call(AMQP_BASIC_CONSUME_METHOD, &consume, answer: AMQP_BASIC_CONSUME_OK_METHOD)
            }
        }
        if case .failure(let error) = result { throw error.code == .channelClosed ? error.ofTopology : error }
    }

    private func read() throws(RabbitMQError) {
        while let event = try connection?.nextEvent() {
            switch event {
            case .delivered(let message): try take(message)
            case .consumerCancelled:
                throw RabbitMQError(.consumerCancelled, "the broker ended the subscription to \(configuration.queue)")
            case .channelClosed(let error): throw error
            // A connection that does not publish is not blocked.
            case .confirmed, .refused, .returned, .blocked, .unblocked: continue
            }
        }
    }

    private func take(_ delivered: DeliveredMessage) throws(RabbitMQError) {
        acks.delivered(tag: delivered.tag)
        guard let message = IncomingMessage(delivered, generation: generation) else {
            logger.error(
                "a message is too large to be taken; it was rejected",
                metadata: [
                    LogKey.source: "\(DeliveryLog.oneLine("rabbitmq/\(configuration.queue)"))",
                    LogKey.bytes: "\(delivered.size)",
                ])
            try tell([(delivered.tag, .rejected(reason: "too large"))])
            return
        }
        buffer.append(message)
    }

    private func handOut() {
        while let waiter = waiters.first, !buffer.isEmpty {
            buffer.take(upTo: waiter.limit) { waiter.fulfil($0) }
            waiters.removeFirst()
        }
    }

    /// What was given out and not told of is the broker's again.
    func drop() {
        connection = nil
        acks = AckLedger()
        buffer = DeliveryBuffer()
    }
}

extension RabbitMQError {
    static let closedSource = RabbitMQError(.closed, "the source was closed")
}
#endif

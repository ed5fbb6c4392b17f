#if RabbitMQ
import AfterCommit
import CRabbitMQ
import Foundation

/// Publishes on a connection and a thread of its own, and tells each batch what became of it.
///
/// Nothing is kept here beyond what callers wait for: without a connection a batch fails, and the engine has the events.
actor Publisher {
    private struct Inbox {
        var batches: [PublishBatch] = []
        var isClosed = false
    }

    /// More is not under way at once. Confirms that nobody waits for any more count too, should a broker never send them.
    private static let maxUnconfirmed = 65_536

    nonisolated let thread: StoreThread
    private nonisolated let signal: SocketSignal
    private nonisolated let interrupt: Interrupt
    private nonisolated let inbox = Locked(Inbox())
    private let broker: RabbitMQConfiguration
    private let configuration: RabbitMQEventSinkConfiguration
    private let time: TimeSource

    var connection: BrokerConnection?
    /// Whether this connection has confirmed something.
    var hasConfirmed = false
    var ledger = ConfirmLedger<WriteQueue.Place>()
    var queue = WriteQueue()
    var writer = MessageWriter()
    /// When a connection may be tried again: at once after one that had worked, later and later where none comes about.
    var gate: RetryGate<RabbitMQError>
    /// Why the broker takes nothing for now.
    var blockedReason: String?
    /// In bytes: what was configured, or less where the broker said so.
    var maxMessageBytes: Int

    init(
        _ broker: RabbitMQConfiguration, _ configuration: RabbitMQEventSinkConfiguration, time: TimeSource,
        random: any RandomNumberGenerator & Sendable
    ) throws {
        self.broker = broker
        self.configuration = configuration
        self.time = time
        gate = RetryGate(configuration.backoff, random: random)
        maxMessageBytes = configuration.maxMessageBytes
        interrupt = try Interrupt()
        signal = try SocketSignal()
        thread = StoreThread(name: "rabbitmq-sink", signal: signal)
        thread.start { [weak self] in self?.assumeIsolated { $0.turn() } }
    }

    deinit {
        thread.stop()
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Takes a batch; it is told of its outcomes.
    nonisolated func submit(_ batch: PublishBatch) {
        let isClosed = inbox.withLock { inbox in
            if !inbox.isClosed { inbox.batches.append(batch) }
            return inbox.isClosed
        }
        guard !isClosed else { return batch.abandon(.closedSink) }
        signal.raise()
    }

    /// What is under way fails; the thread is gone when this returns.
    nonisolated func close() async {
        interrupt.raise()
        await end()
        thread.stop()
        await thread.end()
    }

    private func end() {
        let batches = inbox.withLock { inbox in
            inbox.isClosed = true
            defer { inbox.batches = [] }
            return inbox.batches
        }
        for batch in batches { batch.abandon(.closedSink) }
        failAll(.closedSink)
        // A broker that does not answer is left with a closed socket.
        try? connection?.close()
        connection = nil
    }

    // MARK: Work of the thread

    /// Done whenever there is something to read, room to write, a batch, or a heartbeat to be sent.
    private func turn() {
        let batches = inbox.withLock { inbox in
            defer { inbox.batches = [] }
            return inbox.batches
        }
        do {
            // First: who hung up meanwhile is connected to again before anything new is begun.
            try read()
        } catch {
            lose(error)
        }
        accept(batches)
        do {
            try write()
        } catch {
            lose(error)
        }
        signal.watch(
            connection?.descriptor, writing: canWrite && writer.hasWork(queue),
            atMost: connection?.heartbeat.map { $0 / 2 })
    }

    private func accept(_ batches: [PublishBatch]) {
        let batches = batches.filter { !$0.isDone }
        guard !batches.isEmpty else { return }
        do throws(RabbitMQError) {
            try open()
            if let blockedReason { throw RabbitMQError(.blocked, blockedReason) }
            queue.append(batches)
        } catch {
            for batch in batches { batch.abandon(error) }
        }
    }

    private func open() throws(RabbitMQError) {
        if let connection, connection.isChannelOpen { return }
        if let refusal = gate.refusal(now: time.now()) { throw refusal }
        do throws(RabbitMQError) {
            let connection =
                if let connection { connection } else {
                    try BrokerConnection.connect(broker, maxBodyBytes: 0, interrupt: interrupt, time: time)
                }
            if self.connection == nil { hasConfirmed = false }
            self.connection = connection
            try connection.openChannel(configuration.topology)
            var select = amqp_confirm_select_t(nowait: 0)
            try connection.call(AMQP_CONFIRM_SELECT_METHOD, &select, answer: AMQP_CONFIRM_SELECT_OK_METHOD)
        } catch {
            dropConnection()
            gate.failed(error, now: time.now())
            throw error
        }
    }

    private var canWrite: Bool {
        blockedReason == nil && connection?.isChannelOpen == true && ledger.count < Self.maxUnconfirmed
    }

    private func write() throws(RabbitMQError) {
        while canWrite, let connection, writer.hasWork(queue) {
            let ready = connection.readiness()
            if ready.reading {
                try read()
                continue
            }
            guard ready.writing else { break }
            connection.cork()
            try writer.write(from: &queue, to: connection, ledger: &ledger, maxMessageBytes: maxMessageBytes)
        }
        connection?.uncork()
    }

    private func lose(_ error: RabbitMQError) {
        if !hasConfirmed { gate.failed(error, now: time.now()) }
        dropConnection()
        failAll(error)
    }

    private func dropConnection() {
        connection = nil
        blockedReason = nil
    }
}

extension RabbitMQError {
    static let closedSink = RabbitMQError(.closed, "the sink was closed")
}
#endif

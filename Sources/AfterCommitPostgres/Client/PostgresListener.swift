#if Postgres
import AfterCommit
import CLibPQ
import Foundation
import Logging
#if canImport(Glibc)
import Glibc
#endif

/// Listens to channels on a connection and a thread of its own, and connects again when the server was away.
final class PostgresListener: Sendable {
    private struct State {
        /// Whether its thread is there.
        var isRunning = false
        /// Who waits for the end of the thread.
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let configuration: PostgresConfiguration
    private let channel: String
    private let time: TimeSource
    private let logger: Logger
    private let interrupt: Interrupt
    private let state = Locked(State())
    private let onNotification: @Sendable () -> Void
    private let onListening: @Sendable () -> Void

    /// - Parameters:
    ///   - channel: an identifier that needs no quotes.
    ///   - onNotification: called for one or more notifications.
    ///   - onListening: called each time it has begun to listen: what came before may have been missed.
    init(
        _ configuration: PostgresConfiguration, channel: String, time: TimeSource, logger: Logger,
        onNotification: @escaping @Sendable () -> Void, onListening: @escaping @Sendable () -> Void
    ) throws {
        self.configuration = configuration
        self.channel = channel
        self.time = time
        self.logger = logger
        self.onNotification = onNotification
        self.onListening = onListening
        interrupt = try Interrupt()
    }

    /// Begins to listen, once.
    func start() {
        let starts = state.withLock { state in
            guard !state.isRunning, !interrupt.isRaised else { return false }
            state.isRunning = true
            return true
        }
        guard starts else { return }
        let thread = Thread {
            self.run()
            self.ended()
        }
        thread.name = "postgres-listen"
        thread.start()
    }

    /// Lets it end, and does not wait for that.
    func interruptThread() {
        interrupt.raise()
    }

    /// Ends it: its thread is gone when this returns, and calls nobody any more.
    func stop() async {
        interrupt.raise()
        await withCheckedContinuation { continuation in
            let isRunning = state.withLock { state in
                if state.isRunning { state.waiters.append(continuation) }
                return state.isRunning
            }
            if !isRunning { continuation.resume() }
        }
    }

    private func ended() {
        let waiters = state.withLock { state in
            defer { state = State() }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func run() {
        var failures = 0
        while !interrupt.isRaised {
            do {
                let socket = try PostgresSession.socket(configuration, interrupt: interrupt, time: time)
                defer { PQfinish(socket.connection) }
                try listen(socket)
                failures = 0
                onListening()
                while !interrupt.isRaised { try waitForNotifications(socket) }
            } catch {
                guard !interrupt.isRaised else { return }
                failures += 1
                if failures == 1 {
                    logger.warning(
                        "notifications of the database cannot be heard; it is looked at now and then, and listening is tried again",
                        metadata: [LogKey.error: "\(error)"])
                }
                interrupt.pause(.milliseconds(50) * (1 << min(failures, 6)))
            }
        }
    }

    private func listen(_ socket: PostgresSocket) throws {
        let deadline = socket.deadline(after: configuration.connectTimeout)
        guard PQsendQuery(socket.connection, "LISTEN \(channel)") == 1 else { throw socket.failure() }
        try socket.flush(before: deadline)
        var failure: PostgresError?
        while let result = try socket.result(before: deadline) {
            let result = PostgresResult(result)
            if PQresultStatus(result.pointer) != PGRES_COMMAND_OK { failure = PostgresError(result: result.pointer) }
        }
        if let failure { throw failure }
    }

    private func waitForNotifications(_ socket: PostgresSocket) throws {
        try socket.wait(for: Int16(POLLIN), before: nil)
        guard socket.takeInput() else { throw socket.failure() }
        var count = 0
        while let notification = PQnotifies(socket.connection) {
            PQfreemem(notification)
            count += 1
        }
        if count > 0 { onNotification() }
    }
}
#endif

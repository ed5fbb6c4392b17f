#if Postgres
import AfterCommit
import CLibPQ
import Foundation
import Logging
import Synchronization
#if canImport(Glibc)
import Glibc
#endif

/// Listens to channels on a connection and a thread of its own, and connects again when the server was away.
final class PostgresListener: Sendable {
    private let configuration: PostgresConfiguration
    private let channel: String
    private let time: TimeSource
    private let logger: Logger
    private let interrupt: Interrupt
    private let isStopped = Atomic(false)
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

    func start() {
        let thread = Thread { self.run() }
        thread.name = "postgres-listen"
        thread.start()
    }

    /// It does not wait for the end of the thread.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        interrupt.raise()
    }

    private func run() {
        var failures = 0
        while !isStopped.load(ordering: .acquiring) {
            do {
                let socket = try PostgresSession.socket(configuration, interrupt: interrupt, time: time)
                defer { PQfinish(socket.connection) }
                try listen(socket)
                failures = 0
                onListening()
                while !isStopped.load(ordering: .acquiring) { try waitForNotifications(socket) }
            } catch {
                guard !isStopped.load(ordering: .acquiring) else { return }
                failures += 1
                if failures == 1 {
                    logger.warning(
                        "notifications of the database cannot be heard; it is looked at now and then, and listening is tried again",
                        metadata: [LogKey.error: "\(error)"])
                }
                pause(.milliseconds(50) * (1 << min(failures, 6)))
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
        guard PQconsumeInput(socket.connection) == 1 else { throw socket.failure() }
        var count = 0
        while let notification = PQnotifies(socket.connection) {
            PQfreemem(notification)
            count += 1
        }
        if count > 0 { onNotification() }
    }

    /// Waits, unless it is stopped.
    private func pause(_ duration: Duration) {
        var descriptor = pollfd(fd: interrupt.descriptor, events: Int16(POLLIN), revents: 0)
        // Interrupted by a signal, it is only shorter.
        _ = poll(&descriptor, 1, Int32(clamping: duration.milliseconds))
    }
}
#endif

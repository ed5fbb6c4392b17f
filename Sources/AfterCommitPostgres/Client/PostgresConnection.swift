#if Postgres
import AfterCommit
import Foundation

/// A connection on a thread of its own: what it is given runs there, one after another.
actor PostgresConnection {
    nonisolated let thread: StoreThread
    private let configuration: PostgresConfiguration
    private let time: TimeSource
    private nonisolated let interrupt: Interrupt
    private var session: PostgresSession?

    init(_ configuration: PostgresConfiguration, time: TimeSource, number: Int) throws {
        self.configuration = configuration
        self.time = time
        interrupt = try Interrupt()
        thread = StoreThread(name: "postgres-\(number)")
        thread.start()
    }

    deinit {
        thread.stop()
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Runs `body` with the session, which is opened if it is not, or is lost. A transaction that `body` leaves open is
    /// rolled back.
    /// - Throws: what `body` threw; ``PostgresError`` where the server cannot be reached.
    func run<R: Sendable>(_ body: @Sendable (PostgresSession) throws -> R) throws -> R {
        let session = try openSession()
        let result = Result { try body(session) }
        if session.isLost {
            self.session = nil
        } else if session.isInTransaction {
            do {
                try session.execute("ROLLBACK")
            } catch {
                // Whatever it is in, nobody else may meet it.
                self.session = nil
            }
        }
        return try result.get()
    }

    /// Whether it is connected, as far as it knows.
    var isOpen: Bool { session != nil }

    private func openSession() throws -> PostgresSession {
        if let session, !session.isStale { return session }
        session = nil
        let opened = try PostgresSession.connect(configuration, interrupt: interrupt, time: time)
        session = opened
        return opened
    }

    /// Ends what is being waited for, at the server too, and its thread.
    nonisolated func close() async {
        interrupt.raise()
        await end()
        thread.stop()
        await thread.end()
    }

    private func end() {
        session = nil
    }
}
#endif

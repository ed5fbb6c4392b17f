#if Postgres
import AfterCommit
import Logging

/// The right to deliver from a table: a lock of the server's own, held by a connection that serves nothing but delivering.
///
/// The lock ends with the connection. Whatever runs on the connection through ``run(_:)`` runs while the lock is held, so that
/// nothing is claimed without it.
final class ColumnOwner: Sendable {
    private struct State {
        var connection: PostgresConnection?
        /// The server's process that holds the lock: it is another one after the connection was lost.
        var holder: ServerProcess?
        /// Whether somebody else was found to have it.
        var isLost = false
        /// Gives the last connection up: who wants the lock again waits for it.
        var leaving: Task<Void, Never>?
    }

    private let column: StatusColumn
    private let configuration: PostgresConfiguration
    private let time: TimeSource
    private let logger: Logger
    private let state = Locked(State())

    private var table: String { column.table }

    init(column: StatusColumn, configuration: PostgresConfiguration, time: TimeSource, logger: Logger) {
        self.column = column
        self.configuration = configuration
        self.time = time
        self.logger = logger
    }

    /// - Throws: `StorageError` with `storeBusy` where another server delivers.
    func take() async throws {
        await state.withLock(\.leaving)?.value
        let connection = try PostgresConnection(configuration, time: time, number: 0)
        state.withLock { state in
            state.connection = connection
            state.holder = nil
            state.isLost = false
        }
        try await connection.run { try self.hold($0) }
    }

    /// Runs `body` with a session that holds the lock, taking it again where it was lost.
    /// - Parameter onLoss: called where somebody else is found to have it, once for each loss.
    /// - Throws: what `body` threw; `StorageError` with `storeBusy` while another server delivers, with `closed` where it was
    ///   given up.
    func run<R: Sendable>(
        onLoss: @Sendable () -> Void, _ body: @Sendable (PostgresSession) throws -> R
    ) async throws -> R {
        guard let connection = state.withLock(\.connection) else {
            throw StorageError(.closed, "nobody delivers from \(table) here; attach it first")
        }
        do {
            return try await connection.run { session in
                try self.hold(session)
                return try body(session)
            }
        } catch let error as StorageError where error.code == .storeBusy {
            let isNew = state.withLock { state in
                defer { state.isLost = true }
                return !state.isLost
            }
            if isNew { onLoss() }
            throw error
        }
    }

    private func hold(_ session: PostgresSession) throws {
        let process = session.process
        guard process == nil || state.withLock(\.holder) != process else { return }
        let isTaken = try session.execute(StatusColumnStatement.tryLock, [.text(column.name)]).first().bool(0)
        guard isTaken else { throw Self.busy(table) }
        try session.execute(StatusColumnStatement.useIndexes)
        state.withLock { state in
            state.holder = process
            state.isLost = false
        }
    }

    static func busy(_ table: String) -> StorageError {
        StorageError(
            .storeBusy,
            "another server delivers from \(table); stop it first, or let this one only emit: a status column has one that delivers"
        )
    }

    /// Gives the lock up. It does not wait for that.
    func release() {
        let connection = state.withLock { state in
            defer {
                state.connection = nil
                state.holder = nil
            }
            return state.connection
        }
        guard let connection else { return }
        let logger = logger
        let task = Task.detached {
            // A connection that is closed is ended by the server a little later; who comes next must find the lock free.
            if await connection.isOpen {
                do {
                    _ = try await connection.run { try $0.execute(StatusColumnStatement.unlock).count }
                } catch {
                    logger.warning(
                        "the right to deliver could not be given up at once; it ends with the connection",
                        metadata: [LogKey.error: "\(error)"])
                }
            }
            await connection.close()
        }
        state.withLock { $0.leaving = task }
    }

    /// Waits until what ``release()`` began has ended.
    func released() async {
        await state.withLock(\.leaving)?.value
    }
}
#endif

#if Postgres
import AfterCommit
import Foundation
import Logging

/// Lends connections, at most so many at a time; who comes when all are lent waits in turn.
final class PostgresPool: Sendable {
    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<PostgresConnection, any Error>
    }

    private struct State {
        var idle: [PostgresConnection] = []
        var all: [PostgresConnection] = []
        var waiters: [Waiter] = []
        var lastID: UInt64 = 0
        var isClosed = false
    }

    let configuration: PostgresConfiguration
    private let time: TimeSource
    private let state = Locked(State())

    init(_ configuration: PostgresConfiguration, time: TimeSource) throws {
        try configuration.validate()
        self.configuration = configuration
        self.time = time
    }

    /// Runs `body` with a connection's session, on the connection's thread.
    /// - Throws: what `body` threw; ``PostgresError``; `StorageError` with `closed`; `CancellationError` for a task that was
    ///   cancelled before it got a connection.
    func run<R: Sendable>(_ body: @escaping @Sendable (PostgresSession) throws -> R) async throws -> R {
        let connection = try await lend()
        do {
            let result = try await connection.run(body)
            giveBack(connection)
            return result
        } catch {
            giveBack(connection)
            throw error
        }
    }

    /// Runs `body` in a transaction of its own, once.
    func transaction<R: Sendable>(_ body: @escaping @Sendable (PostgresSession) throws -> R) async throws -> R {
        try await run { session in
            try session.execute("BEGIN")
            let result = try body(session)
            try session.commit([])
            return result
        }
    }

    private func lend() async throws -> PostgresConnection {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let lent = Result { try state.withLock { try lend(Waiter(id: id, continuation: continuation), &$0) } }
                switch lent {
                case .success(let connection?): continuation.resume(returning: connection)
                case .success(nil):
                    // The handler may have run before the waiter was there.
                    if Task.isCancelled { cancel(id) }
                case .failure(let error): continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            cancel(id)
        }
    }

    /// - Returns: a connection, or `nil` for who must wait.
    private func lend(_ waiter: Waiter, _ state: inout State) throws -> PostgresConnection? {
        guard !state.isClosed else { throw StorageError.closed }
        if let connection = state.idle.popLast() { return connection }
        guard state.all.count < configuration.maxConnections else {
            state.waiters.append(waiter)
            return nil
        }
        let connection = try PostgresConnection(configuration, time: time, number: state.all.count + 1)
        state.all.append(connection)
        return connection
    }

    private func giveBack(_ connection: PostgresConnection) {
        let next = state.withLock { state -> Waiter? in
            guard !state.isClosed else { return nil }
            guard state.waiters.isEmpty else { return state.waiters.removeFirst() }
            state.idle.append(connection)
            return nil
        }
        next?.continuation.resume(returning: connection)
    }

    private func cancel(_ id: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            guard let place = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiters.remove(at: place)
        }
        waiter?.continuation.resume(throwing: CancellationError())
    }

    /// Ends what is under way and closes all connections.
    func close() async {
        let (connections, waiters) = state.withLock { state in
            defer {
                state.isClosed = true
                state.all = []
                state.idle = []
                state.waiters = []
            }
            return (state.all, state.waiters)
        }
        for waiter in waiters { waiter.continuation.resume(throwing: StorageError.closed) }
        // Each may wait for its server.
        await withTaskGroup { group in
            for connection in connections { group.addTask { await connection.close() } }
        }
    }

    var isClosed: Bool { state.withLock(\.isClosed) }

    /// How many connections there are, how many of them nobody uses, and how many callers wait for one.
    var counts: (connections: Int, idle: Int, waiting: Int) {
        state.withLock { ($0.all.count, $0.idle.count, $0.waiters.count) }
    }
}
#endif

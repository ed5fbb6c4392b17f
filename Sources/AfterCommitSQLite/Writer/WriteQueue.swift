#if SQLite
import AfterCommit
import Foundation
import GRDB

/// Commits what waits, many writes at a time, on the user's own writer: what the user writes meanwhile takes its turn.
final class WriteQueue: Sendable {
    /// More would keep the user's own writes waiting.
    static let maxGroupCount = 1_024

    private struct State {
        var waiting: [PendingWrite] = []
        var isScheduled = false
        var isClosed = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let database: any DatabaseWriter
    private let busyTimeout: Duration
    private let state = Locked(State())

    init(database: any DatabaseWriter, busyTimeout: Duration) {
        self.database = database
        self.busyTimeout = busyTimeout
    }

    // MARK: Submitting

    /// Commits it with others. A task that is cancelled before it began never runs it.
    func write<R: Sendable>(_ request: WriteRequest<R>, in context: SQLiteContext) async throws -> R {
        let result = WriteResult<R>()
        let pending = PendingWrite(request, result: result)
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if pending.wait(continuation) { put(pending, context) }
            }
        } onCancel: {
            pending.cancel()
        }
        return try taken(result)
    }

    /// The same for what must be recorded whether or not its task is cancelled.
    func writeUncancelled<R: Sendable>(_ request: WriteRequest<R>, in context: SQLiteContext) async throws -> R {
        let result = WriteResult<R>()
        let pending = PendingWrite(request, result: result)
        try await withCheckedThrowingContinuation { continuation in
            if pending.wait(continuation) { put(pending, context) }
        }
        return try taken(result)
    }

    private func taken<R>(_ result: WriteResult<R>) throws -> R {
        guard let value = result.value else { throw StorageError(.systemFailure, "the write returned nothing") }
        return value
    }

    private func put(_ pending: PendingWrite, _ context: SQLiteContext) {
        enum Receipt {
            case schedule, queued, refused
        }
        let receipt: Receipt = state.withLock { state in
            guard !state.isClosed else { return .refused }
            state.waiting.append(pending)
            guard !state.isScheduled else { return .queued }
            state.isScheduled = true
            return .schedule
        }
        switch receipt {
        case .schedule: schedule(context)
        case .queued: break
        case .refused: pending.finish(throwing: StorageError.closed)
        }
    }

    var isClosed: Bool { state.withLock(\.isClosed) }

    /// Refuses whatever comes later, and waits for what came before.
    func close() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                state.isClosed = true
                if state.isScheduled { state.closers.append(continuation) }
                return !state.isScheduled
            }
            if isIdle { continuation.resume() }
        }
    }

    // MARK: Committing

    private func schedule(_ context: SQLiteContext) {
        // The user's writes that came meanwhile are before it in GRDB's queue.
        database.asyncWriteWithoutTransaction { database in
            let requests = self.take()
            self.commit(requests, database, context)
            if self.hasMore() { self.schedule(context) }
        }
    }

    private func take() -> [PendingWrite] {
        state.withLock { state in
            let taken = Array(state.waiting.prefix(Self.maxGroupCount))
            state.waiting.removeFirst(taken.count)
            return taken
        }
    }

    private func hasMore() -> Bool {
        let (hasMore, closers) = state.withLock { state in
            guard state.waiting.isEmpty else { return (true, []) as (Bool, [CheckedContinuation<Void, Never>]) }
            state.isScheduled = false
            defer { state.closers = [] }
            return (false, state.closers)
        }
        for closer in closers { closer.resume() }
        return hasMore
    }

    private func commit(_ requests: [PendingWrite], _ database: Database, _ context: SQLiteContext) {
        let started = requests.filter { $0.start() }
        guard !started.isEmpty else { return }
        do {
            try attempt(started, database, context)
        } catch {
            guard started.count > 1, Self.mayRunApart(error) else {
                return finish(started, throwing: error)
            }
            // One of them was too much or wrong: each gets a transaction of its own, in order.
            for request in started {
                do {
                    try attempt([request], database, context)
                } catch {
                    finish([request], throwing: error)
                }
            }
        }
    }

    /// Running each alone helps neither against a failing disk nor against another process that does not end its transaction.
    private static func mayRunApart(_ error: any Error) -> Bool {
        guard let code = ((error as? GroupFailure)?.underlying ?? error) as? DatabaseError else { return true }
        return ![.SQLITE_IOERR, .SQLITE_BUSY, .SQLITE_CORRUPT, .SQLITE_NOTADB].contains(code.resultCode)
    }

    private func finish(_ requests: [PendingWrite], throwing error: any Error) {
        for request in requests { request.finish(throwing: error) }
    }

    private func attempt(_ requests: [PendingWrite], _ database: Database, _ context: SQLiteContext) throws {
        try Self.begin(database, busyTimeout: busyTimeout)
        let group = WriteGroup(database: database, context: context)
        defer { group.end() }
        do {
            for request in requests { _ = try request.perform(in: group, isAlone: requests.count == 1) }
            try context.pruneIfDue(group)
            // A reader of another process holds it up where the journal is no WAL.
            try Self.run("COMMIT TRANSACTION", database, busyTimeout: busyTimeout)
        } catch {
            if database.isInsideTransaction { try database.rollback() }
            throw error
        }
        for action in group.afterCommit { action() }
        for request in requests { request.finish() }
        context.live.wake(group.change)
    }

    static func begin(_ database: Database, busyTimeout: Duration) throws {
        try run("BEGIN IMMEDIATE TRANSACTION", database, busyTimeout: busyTimeout)
    }

    /// Waits for another process's transaction as long as the configuration says, as SQLite's own timeout would. The statement
    /// is GRDB's own, without being compiled each time.
    private static func run(_ sql: String, _ database: Database, busyTimeout: Duration) throws {
        var slept = Duration.zero
        var pause = Duration.microseconds(100)
        while true {
            do {
                return try database.cachedStatement(sql: sql).execute()
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                guard slept < busyTimeout else { throw error }
                Thread.sleep(forTimeInterval: pause.timeInterval)
                slept += pause
                pause = min(.milliseconds(5), pause * 2)
            }
        }
    }
}
#endif

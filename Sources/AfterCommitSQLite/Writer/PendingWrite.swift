#if SQLite
import AfterCommit
import Synchronization

/// What is to be written, in one transaction with others. It may run more than once.
struct WriteRequest<R: Sendable>: Sendable {
    /// Whether it runs code of the user's, whose savepoints GRDB must know.
    var isUsers = false
    let operation: @Sendable (WriteGroup) throws -> R
}

/// A write that waits for its group. It does not know what the write returns, so that none of it is generic code.
final class PendingWrite: Sendable {
    private enum Progress {
        case new
        case waiting(CheckedContinuation<Void, any Error>)
        case started(CheckedContinuation<Void, any Error>)
        case ended
    }

    private struct State {
        var progress = Progress.new
        /// The write's own error, told after the group's commit.
        var failure: (any Error)?
    }

    let isUsers: Bool
    private let operation: @Sendable (WriteGroup) throws -> Void
    private let state = Mutex(State())

    init<R: Sendable>(_ request: WriteRequest<R>, result: WriteResult<R>) {
        isUsers = request.isUsers
        let operation = request.operation
        self.operation = { group in result.value = try operation(group) }
    }

    /// Notes who waits. One that was cancelled before is told at once.
    /// - Returns: whether it may be queued.
    func wait(_ continuation: CheckedContinuation<Void, any Error>) -> Bool {
        let mayQueue = state.withLock { state in
            guard case .new = state.progress else { return false }
            state.progress = .waiting(continuation)
            return true
        }
        if !mayQueue { continuation.resume(throwing: CancellationError()) }
        return mayQueue
    }

    func cancel() {
        let continuation = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            switch state.progress {
            case .new:
                state.progress = .ended
                return nil
            case .waiting(let continuation):
                state.progress = .ended
                return continuation
            case .started, .ended:
                return nil
            }
        }
        continuation?.resume(throwing: CancellationError())
    }

    /// - Returns: false for one that was cancelled; it must not run.
    func start() -> Bool {
        state.withLock { state in
            guard case .waiting(let continuation) = state.progress else { return false }
            state.progress = .started(continuation)
            return true
        }
    }

    /// Runs it. Its own error is kept until the group is committed.
    /// - Returns: whether it succeeded.
    func perform(in group: WriteGroup, isAlone: Bool) throws -> Bool {
        state.withLock { $0.failure = nil }
        do {
            try group.perform(isUsers: isUsers, isAlone: isAlone, operation)
            return true
        } catch let failure as GroupFailure {
            throw failure
        } catch {
            let told = isUsers ? StorageError.mapped(error) : StorageError.mappedOwn(error)
            state.withLock { $0.failure = told }
            return false
        }
    }

    /// Tells the caller, after the commit.
    func finish() {
        end(with: state.withLock(\.failure))
    }

    func finish(throwing error: any Error) {
        end(with: error)
    }

    private func end(with failure: (any Error)?) {
        let continuation = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            defer { state.progress = .ended }
            switch state.progress {
            case .waiting(let continuation), .started(let continuation): return continuation
            case .new, .ended: return nil
            }
        }
        if let failure {
            continuation?.resume(throwing: failure)
        } else {
            continuation?.resume()
        }
    }
}

/// What a write returned, on its way from the writer's queue to the caller.
final class WriteResult<R: Sendable>: @unchecked Sendable {
    // Unchecked: the writer's queue sets it before the caller is resumed, and the caller reads it after.
    var value: R?
}

/// The group's transaction cannot be committed any more.
struct GroupFailure: Error {
    let underlying: any Error
}
#endif

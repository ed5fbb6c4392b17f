#if SQLite
import AfterCommit

/// How a write that fails is undone, while the others of its transaction are kept.
enum WriteUndo: Sendable {
    /// A savepoint of ours.
    case savepoint
    /// A savepoint that GRDB knows: the write runs code of the user's.
    case usersSavepoint
    /// It need not be, unless the database itself refuses it: then the whole group is undone, and run one by one.
    case withGroup
}

/// What is to be written, in one transaction with others. It may run more than once.
struct WriteRequest<R: Sendable>: Sendable {
    var undo = WriteUndo.savepoint
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

    private let undo: WriteUndo
    private let operation: @Sendable (WriteGroup) throws -> Void
    private let state = Locked(State())

    init<R: Sendable>(_ request: WriteRequest<R>, result: WriteResult<R>) {
        undo = request.undo
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
            try group.perform(undo, isAlone: isAlone, operation)
            return true
        } catch let failure as GroupFailure {
            throw failure
        } catch {
            let told = self.told(error)
            state.withLock { $0.failure = told }
            return false
        }
    }

    /// What the caller is told of an error.
    private func told(_ error: any Error) -> any Error {
        if case .usersSavepoint = undo { return StorageError.mapped(error) }
        return StorageError.mappedOwn(error)
    }

    /// Tells the caller, after the commit.
    func finish() {
        end(with: state.withLock(\.failure))
    }

    func finish(throwing error: any Error) {
        end(with: told((error as? GroupFailure)?.underlying ?? error))
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

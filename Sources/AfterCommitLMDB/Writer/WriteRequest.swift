#if LMDB
import AfterCommit
import Synchronization

/// A write that waits for its group, whatever it returns.
protocol PendingWrite: Sendable {
    /// About how much it writes.
    var bytes: Int { get }
    /// Whether it can wait a little for others to share a commit with.
    var canWait: Bool { get }

    /// - Returns: false for one that was cancelled; it must not run.
    func start() -> Bool

    /// Runs it. May be called again, in another group.
    /// - Throws: ``GroupFailure`` where the whole group must be given up; the request's own error is kept for later.
    func perform(in group: WriteGroup) throws

    /// Tells the caller, after the commit.
    func finish()
    func finish(throwing error: any Error)
}

/// The group's transaction cannot be committed any more.
struct GroupFailure: Error {
    let underlying: any Error
}

final class WriteRequest<R: Sendable>: PendingWrite {
    private enum Progress {
        case new
        case waiting(CheckedContinuation<R, any Error>)
        case started(CheckedContinuation<R, any Error>)
        case ended
    }

    private struct State {
        var progress = Progress.new
        var result: Result<R, any Error>?
    }

    let bytes: Int
    let canWait: Bool
    private let operation: @Sendable (WriteGroup) throws -> R
    private let state = Mutex(State())

    init(
        bytes: Int, canWait: Bool = false, operation: @escaping @Sendable (WriteGroup) throws -> R
    ) {
        self.bytes = bytes
        self.canWait = canWait
        self.operation = operation
    }

    /// Notes who waits. One that was cancelled before is told at once.
    /// - Returns: whether it may be queued.
    func wait(_ continuation: CheckedContinuation<R, any Error>) -> Bool {
        let mayQueue = state.withLock { state in
            guard case .new = state.progress else { return false }
            state.progress = .waiting(continuation)
            return true
        }
        if !mayQueue { continuation.resume(throwing: CancellationError()) }
        return mayQueue
    }

    func cancel() {
        let continuation = state.withLock { state -> CheckedContinuation<R, any Error>? in
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

    func start() -> Bool {
        state.withLock { state in
            guard case .waiting(let continuation) = state.progress else { return false }
            state.progress = .started(continuation)
            return true
        }
    }

    func perform(in group: WriteGroup) throws {
        let result: Result<R, any Error>
        do {
            result = .success(try operation(group))
        } catch let failure as GroupFailure {
            throw failure
        } catch let error as StorageError where error.lmdbError != nil {
            // It may be the group's size that was too much; alone it gets another chance.
            throw GroupFailure(underlying: error)
        } catch {
            result = .failure(error)
        }
        state.withLock { $0.result = result }
    }

    func finish() {
        let result = state.withLock(\.result)
        end(with: result ?? .failure(StorageError(.systemFailure, "the write was not run")))
    }

    func finish(throwing error: any Error) {
        end(with: .failure((error as? GroupFailure)?.underlying ?? error))
    }

    private func end(with result: Result<R, any Error>) {
        let continuation = state.withLock { state -> CheckedContinuation<R, any Error>? in
            defer { state.progress = .ended }
            switch state.progress {
            case .waiting(let continuation), .started(let continuation): return continuation
            case .new, .ended: return nil
            }
        }
        continuation?.resume(with: result)
    }
}
#endif

#if LMDB
import AfterCommit

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

    /// About how much it writes.
    let bytes: Int
    /// Whether it can wait a little for others to share a commit with.
    let canWait: Bool
    private let operation: @Sendable (WriteGroup) throws -> Void
    private let state = Locked(State())

    init<R>(_ request: WriteRequest<R>, result: WriteResult<R>) {
        bytes = request.bytes
        canWait = request.canWait
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

    /// Runs it. May be called again, in another group.
    /// - Throws: ``GroupFailure`` where the whole group must be given up; the write's own error is kept for later.
    func perform(in group: WriteGroup) throws {
        var own: (any Error)?
        do {
            try operation(group)
        } catch let failure as GroupFailure {
            throw failure
        } catch let error as StorageError where error.lmdbError != nil {
            // It may be the group's size that was too much; alone it gets another chance.
            throw GroupFailure(underlying: error)
        } catch {
            own = error
        }
        state.withLock { $0.failure = own }
    }

    /// Tells the caller, after the commit.
    func finish() {
        end(with: state.withLock(\.failure))
    }

    func finish(throwing error: any Error) {
        end(with: (error as? GroupFailure)?.underlying ?? error)
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

/// The group's transaction cannot be committed any more.
struct GroupFailure: Error {
    let underlying: any Error
}
#endif

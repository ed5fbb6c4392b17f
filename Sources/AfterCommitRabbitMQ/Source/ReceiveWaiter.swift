#if RabbitMQ
import AfterCommit

/// One who waits for messages, and may leave at any moment.
final class ReceiveWaiter: Sendable {
    private enum State {
        /// Nobody waits yet.
        case new
        case waiting(CheckedContinuation<[IncomingMessage], any Error>)
        case done
        /// Left before it waited.
        case cancelled
    }

    let limit: Int
    private let state = Locked(State.new)

    init(limit: Int) {
        self.limit = max(1, limit)
    }

    var isDone: Bool {
        state.withLock { state in
            switch state {
            case .new, .waiting: false
            case .done, .cancelled: true
            }
        }
    }

    func begin(_ continuation: CheckedContinuation<[IncomingMessage], any Error>) {
        let isCancelled = state.withLock { state in
            if case .cancelled = state { return true }
            state = .waiting(continuation)
            return false
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) }
    }

    /// - Returns: whether it took them; if not, they are somebody else's.
    func fulfil(_ messages: [IncomingMessage]) -> Bool {
        guard let continuation = take() else { return false }
        continuation.resume(returning: messages)
        return true
    }

    func fail(_ error: RabbitMQError) {
        take()?.resume(throwing: error)
    }

    func cancel() {
        let continuation = take(orElse: .cancelled)
        continuation?.resume(throwing: CancellationError())
    }

    private func take(orElse other: State = .done) -> CheckedContinuation<[IncomingMessage], any Error>? {
        state.withLock { state in
            switch state {
            case .waiting(let continuation):
                state = .done
                return continuation
            case .new:
                state = other
                return nil
            case .done, .cancelled: return nil
            }
        }
    }
}
#endif

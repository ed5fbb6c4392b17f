#if LMDB
import AfterCommit

/// The writes that wait for the writer.
final class Mailbox: Sendable {
    private struct State {
        var requests: [PendingWrite] = []
        var isClosed = false
    }

    enum Receipt {
        /// The writer must be signalled.
        case first
        case queued
        case refused
    }

    private let state = Locked(State())

    func put(_ request: PendingWrite) -> Receipt {
        state.withLock { state in
            guard !state.isClosed else { return .refused }
            state.requests.append(request)
            return state.requests.count == 1 ? .first : .queued
        }
    }

    func takeAll() -> [PendingWrite] {
        state.withLock { state in
            let requests = state.requests
            state.requests = []
            return requests
        }
    }

    /// How many wait.
    var count: Int { state.withLock { $0.requests.count } }

    /// Refuses whatever comes later.
    func close() {
        state.withLock { $0.isClosed = true }
    }
}
#endif

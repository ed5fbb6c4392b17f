#if LMDB
import AfterCommit

/// How a write gets to the writer and its result back.
extension LMDBWriter {
    /// Queues a write and waits for its commit. Cancelled while it waits, it never runs.
    nonisolated func write<R: Sendable>(_ request: WriteRequest<R>) async throws -> R {
        let result = WriteResult<R>()
        let pending = PendingWrite(request, result: result)
        try await withTaskCancellationHandler {
            try await wait(for: pending)
        } onCancel: {
            pending.cancel()
        }
        return try result.taken()
    }

    /// Queues a write and waits for its commit, whether or not the task is cancelled: an outcome must not be lost to a shutdown.
    nonisolated func writeUncancelled<R: Sendable>(_ request: WriteRequest<R>) async throws -> R {
        let result = WriteResult<R>()
        try await wait(for: PendingWrite(request, result: result))
        return try result.taken()
    }

    /// Queues it and waits for its commit.
    nonisolated func wait(for pending: PendingWrite) async throws {
        try await withCheckedThrowingContinuation { continuation in
            if pending.wait(continuation) { submit(pending) }
        }
    }

    private nonisolated func submit(_ pending: PendingWrite) {
        switch mailbox.put(pending) {
        case .first: thread.signal.raise()
        case .queued where !pending.canWait: thread.signal.raise()
        case .queued: break
        case .refused: pending.finish(throwing: StorageError.closed)
        }
    }
}
#endif

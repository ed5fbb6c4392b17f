#if LMDB
import AfterCommit

/// Runs short read transactions on a thread of their own.
actor StoreReader {
    nonisolated let thread: StoreThread
    private let context: StoreContext
    private var isClosed = false

    init(context: StoreContext, thread: StoreThread) {
        self.context = context
        self.thread = thread
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Runs `body` in one snapshot.
    func read<R: Sendable>(_ body: @Sendable (Transaction) throws -> R) throws -> R {
        try run { context in
            let transaction = try context.environment.beginRead()
            defer { transaction.abort() }
            return try body(transaction)
        }
    }

    /// Runs `body` without a transaction; it begins its own. Where another process has changed what this one must know
    /// first, `body` runs again after that.
    func run<R: Sendable>(_ body: @Sendable (StoreContext) throws -> R) throws -> R {
        try checkOpen()
        return try context.using(body)
    }

    func close() {
        isClosed = true
    }

    private func checkOpen() throws {
        guard !isClosed else { throw StorageError.closed }
    }
}
#endif

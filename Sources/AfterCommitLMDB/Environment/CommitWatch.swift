#if LMDB
import AfterCommit
import Foundation
import Logging
import Synchronization
#if canImport(Glibc)
// Which of the two is taken for the home of the system's calls depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// The commits that this process knows of: its own, and those it has been woken for.
final class KnownCommits: Sendable {
    private let newest = Atomic<UInt64>(0)

    /// Starts with what is there.
    func begin(at transactionID: UInt64) {
        newest.store(transactionID, ordering: .sequentiallyConsistent)
    }

    /// Notes a commit of this process. If another process committed before it, that one stays to be found.
    func noteOwn(_ transactionID: UInt64) {
        _ = newest.compareExchange(
            expected: transactionID &- 1, desired: transactionID, ordering: .sequentiallyConsistent)
    }

    /// - Returns: whether there are commits that were not known.
    func takeForeign(upTo transactionID: UInt64) -> Bool {
        newest.max(transactionID, ordering: .sequentiallyConsistent).oldValue < transactionID
    }
}

/// Wakes the engine of this process when another process commits: by a notification for each write to the data file, or
/// by looking every 25 ms where the system has none.
final class CommitWatch: Sendable {
    private let context: StoreContext
    private let current = Locked<CommitWatcher?>(nil)

    init(context: StoreContext) {
        self.context = context
    }

    /// Begins to watch, if it does not yet. What is committed after this call is not missed.
    /// - Parameter path: the data file.
    func start(_ path: String) throws {
        try current.withLock { watcher in
            guard watcher == nil else { return }
            let seen = try context.visibleCommits()
            context.commits.begin(at: seen.last)
            let new = CommitWatcher(path: path, context: context, removedDeadLetters: seen.removedDeadLetters)
            watcher = new
            let thread = Thread { new.run() }
            thread.name = "lmdb-watch"
            thread.start()
        }
    }

    var isWatching: Bool { current.withLock { $0 != nil } }

    /// It does not wait for the end of the thread.
    func stop() {
        current.withLock { watcher in
            watcher?.stop()
            watcher = nil
        }
    }
}

/// What a snapshot that begins now shows.
private struct VisibleCommits {
    var last: UInt64
    var removedDeadLetters: UInt64
    /// A commit is in the file that no snapshot shows yet: LMDB lets readers have it only once its flush has returned.
    var isBehind: Bool
}

extension StoreContext {
    fileprivate func visibleCommits() throws -> VisibleCommits {
        try using { context in
            // Before the snapshot begins, so that it is behind of nothing that was there then.
            let written = try context.environment.lastTransactionID()
            let transaction = try context.environment.beginRead()
            defer { transaction.abort() }
            return VisibleCommits(
                last: transaction.id,
                removedDeadLetters: try StoreFormat.removedDeadLetters(transaction, context.databases.meta),
                isBehind: transaction.id < written)
        }
    }
}

/// One thread's watch, from a start to a stop.
private final class CommitWatcher: Sendable {
    /// Commits that follow each other closely, this process's own above all, are looked at once.
    private static let pause = timespec(tv_sec: 0, tv_nsec: 20_000_000)
    private static let interval = Duration.milliseconds(25)

    private let context: StoreContext
    private let signal = Signal()
    private let isStopped = Atomic(false)
    /// The system's notifications and the file's number in them; negative where there are none.
    private let notifications: Int32
    private let watch: Int32
    /// How many dead letters had been redriven or deleted at the last look.
    private let removedDeadLetters: Atomic<UInt64>

    init(path: String, context: StoreContext, removedDeadLetters: UInt64) {
        self.context = context
        self.removedDeadLetters = Atomic(removedDeadLetters)
        #if os(Linux)
        let notifications = inotify_init1(Int32(IN_CLOEXEC))
        let watch = notifications < 0 ? -1 : inotify_add_watch(notifications, path, UInt32(IN_MODIFY))
        if watch < 0 {
            context.logger.notice(
                "the system gives no notifications of commits; the store is looked at every 25 ms",
                metadata: [LogKey.error: "\(SystemError("inotify"))"])
            if notifications >= 0 { close(notifications) }
        }
        self.notifications = watch < 0 ? -1 : notifications
        self.watch = watch
        #else
        notifications = -1
        watch = -1
        #endif
    }

    deinit {
        if notifications >= 0 { close(notifications) }
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
        signal.raise()
        #if os(Linux)
        // The thread is told that the watch is gone, which ends its wait.
        if watch >= 0 { inotify_rm_watch(notifications, watch) }
        #endif
    }

    func run() {
        var isNotified = notifications >= 0
        var isBehind = false
        while !isStopped.load(ordering: .acquiring) {
            // What is about to be visible is notified of no more.
            if !isBehind { isNotified = isNotified && waitForNotification() }
            if isBehind || !isNotified { _ = signal.wait(atMost: Self.interval) }
            guard !isStopped.load(ordering: .acquiring) else { return }
            isBehind = look()
        }
    }

    /// - Returns: whether to look again although nothing is notified.
    private func look() -> Bool {
        do {
            let seen = try context.visibleCommits()
            let removed = removedDeadLetters.exchange(seen.removedDeadLetters, ordering: .relaxed)
            if context.commits.takeForeign(upTo: seen.last) {
                let changed = seen.removedDeadLetters != removed
                context.deliveries.wake(changed ? [.claimable, .delayed, .deadLetters] : [.claimable, .delayed])
            }
            return seen.isBehind
        } catch {
            // While it is closed or being opened again there is nothing to see.
            context.logger.debug(
                "the store's commits cannot be looked at", metadata: [LogKey.error: "\(error)"])
            return false
        }
    }

    /// - Returns: false where the system's notifications cannot be read.
    private func waitForNotification() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(notifications, &buffer, buffer.count)
            if count > 0 { break }
            let error = SystemError("read")
            if count < 0, error.code == EINTR { continue }
            context.logger.warning(
                "notifications of commits cannot be read; the store is looked at every 25 ms",
                metadata: [LogKey.error: "\(error)"])
            return false
        }
        var pause = Self.pause
        nanosleep(&pause, nil)
        return true
    }
}
#endif

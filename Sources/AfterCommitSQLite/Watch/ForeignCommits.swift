#if SQLite
import AfterCommit
import Foundation
import GRDB
import Logging
import Synchronization

/// Wakes the engine when another connection, such as another process's, commits: the connection that writes sees that in
/// `PRAGMA data_version`, which is looked at when the system notifies of a write to the database's files.
final class ForeignCommits: Sendable {
    /// How often to look where the system has no notifications.
    private static let interval = Duration.milliseconds(50)

    private struct State {
        var watch: FileWatch?
        /// What the connection said last.
        var version: Int64?
    }

    private let state = Locked(State())
    /// Whether a look waits for its turn on the connection.
    private let isLooking = Atomic(false)

    /// Begins to watch, if it does not yet. What is committed after it has returned is not missed.
    func start(_ context: SQLiteContext) async throws {
        guard let path = context.file.path else { return }
        let version = try await SQLiteContext.onWriter(context.database, Self.version)
        let watch = FileWatch(paths: [path, path + "-wal"], interval: Self.interval)
        let isNew = state.withLock { state in
            guard state.watch == nil else { return false }
            state.watch = watch
            state.version = version
            return true
        }
        guard isNew else { return }
        if !watch.isNotified {
            context.logger.notice("the system gives no notifications of commits; the database is looked at every 50 ms")
        }
        watch.start(name: "sqlite-watch") { [weak self, weak context] in
            guard let self, let context else { return }
            self.look(context)
        }
    }

    func stop() {
        let watch = state.withLock { state in
            defer { state.watch = nil }
            return state.watch
        }
        watch?.stop()
    }

    private func look(_ context: SQLiteContext) {
        guard !isLooking.exchange(true, ordering: .acquiringAndReleasing) else { return }
        context.database.asyncWriteWithoutTransaction { database in
            // Before the look, so that what is committed after it is looked at again.
            self.isLooking.store(false, ordering: .releasing)
            let version: Int64
            do {
                version = try Self.version(database)
            } catch {
                context.logger.warning(
                    "commits of other processes cannot be looked at", metadata: [LogKey.error: "\(error)"])
                return
            }
            let isNews = self.state.withLock { state in
                defer { state.version = version }
                return state.version != version
            }
            guard isNews else { return }
            context.room.noteShrunk()
            context.live.wake([.claimable, .delayed, .deadLetters])
        }
    }

    private static func version(_ database: Database) throws -> Int64 {
        try PreparedStatement(database, "PRAGMA data_version").first { $0.integer(0) } ?? 0
    }
}
#endif

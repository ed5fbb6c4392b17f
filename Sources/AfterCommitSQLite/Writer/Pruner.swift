#if SQLite
import AfterCommit
import Foundation

/// When and how delivered events are forgotten: some at a time, in commits that are made anyway.
final class Pruner: Sendable {
    static let batch = 1_000
    static let interval = Duration.seconds(60)

    private struct State {
        var due: Duration?
        /// Where the last batch ended.
        var after: UInt64 = 0
    }

    private let retention: Duration
    private let state = Locked(State())

    init(configuration: SQLiteStorage.Configuration) {
        retention = configuration.retention
    }

    /// Whether to look now: once a minute, and at once while there is more.
    func isDue(_ now: Duration) -> Bool {
        state.withLock { state in
            if let due = state.due, now < due { return false }
            state.due = now + Self.interval
            return true
        }
    }

    /// Forgets up to a batch of those whose retention is over.
    func prune(_ group: WriteGroup) throws {
        let after = state.withLock(\.after)
        let pruned = try group.context.tables.prune(
            after: after, before: group.now - retention.timeInterval, limit: Self.batch, group.database)
        let isDone = pruned.looked < Self.batch
        let room = group.context.room
        group.afterCommit { [self] in
            if pruned.forgotten > 0 { room.noteShrunk() }
            state.withLock { state in
                state.after = isDone ? 0 : pruned.last
                if !isDone { state.due = nil }
            }
        }
    }

    /// Forgets all that is delivered, whenever it was emitted.
    func pruneAll(_ group: WriteGroup) throws -> Int {
        var forgotten = 0
        var after: UInt64 = 0
        while true {
            let pruned = try group.context.tables.prune(
                after: after, before: nil, limit: Self.batch, group.database)
            forgotten += pruned.forgotten
            guard pruned.looked == Self.batch else { return forgotten }
            after = pruned.last
        }
    }
}
#endif

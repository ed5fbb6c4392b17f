#if SQLite
import AfterCommit
import GRDB

/// Wakes the engine when a transaction of this process has committed events, one of the user's own included.
final class CommitObserver: TransactionObserver, Sendable {
    private let live: LiveRows
    private let tables: Set<String>
    /// What the open transaction has stored.
    private let change = Locked<StorageChange>([])

    init(live: LiveRows, tables: Set<String>) {
        self.live = live
        self.tables = tables
    }

    /// An event was stored by a statement of ours, which GRDB tells nobody.
    func note(_ noted: StorageChange) {
        change.withLock { $0.formUnion(noted) }
    }

    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool {
        switch eventKind {
        case .insert(let table), .update(let table, _): tables.contains(table)
        case .delete: false
        }
    }

    func databaseDidChange(with event: DatabaseEvent) {
        note([.claimable, .delayed])
        // One is enough to know that there are some.
        stopObservingDatabaseChangesUntilNextTransaction()
    }

    func databaseDidCommit(_ db: Database) {
        live.wake(
            change.withLock { change in
                defer { change = [] }
                return change
            })
    }

    func databaseDidRollback(_ db: Database) {
        change.withLock { $0 = [] }
    }
}
#endif

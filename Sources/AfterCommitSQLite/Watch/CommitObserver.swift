#if SQLite
import AfterCommit
import GRDB

/// Wakes the engine when a transaction of this process has committed events, or deleted rows that carry some, one of the
/// user's own included.
final class CommitObserver: TransactionObserver, Sendable {
    private let live: LiveRows
    private let room: Room
    private let insertedTables: Set<String>
    private let rowTable: String?
    /// What the open transaction has stored.
    private let change = Locked<StorageChange>([])

    init(live: LiveRows, room: Room, tables: any EventTables) {
        self.live = live
        self.room = room
        insertedTables = tables.observedTables
        rowTable = tables.rowTable
    }

    /// An event was stored by a statement of ours, which GRDB tells nobody.
    func note(_ noted: StorageChange) {
        change.withLock { $0.formUnion(noted) }
    }

    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool {
        switch eventKind {
        case .insert(let table), .update(let table, _): insertedTables.contains(table)
        case .delete(let table): table == rowTable
        }
    }

    func databaseDidChange(with event: DatabaseEvent) {
        // A key that waits for a row which is gone goes on, as after a dead letter.
        note(event.kind == .delete ? .deadLetters : [.claimable, .delayed])
        // One is enough to know that there are some.
        stopObservingDatabaseChangesUntilNextTransaction()
    }

    func databaseDidCommit(_ db: Database) {
        room.noteCommitted()
        live.wake(
            change.withLock { change in
                defer { change = [] }
                return change
            })
    }

    func databaseDidRollback(_ db: Database) {
        room.noteUndone()
        change.withLock { $0 = [] }
    }
}
#endif

#if SQLite
import AfterCommit
import Foundation
import GRDB

/// One transaction for many writes: each can fail alone, and all are committed together. On the writer's queue only.
final class WriteGroup {
    let database: Database
    let context: SQLiteContext
    /// The date of all that the group writes.
    let now: Date
    /// What those who deliver are told after the commit.
    var change: StorageChange = []
    /// What is done after the commit, before the next group.
    private(set) var afterCommit: [() -> Void] = []
    /// Deliveries of which something but their end was recorded in this group.
    private(set) var recorded: Set<DeliveryID> = []
    /// How many events may still be stored, apart from the reserve; `nil` before it was looked at.
    var roomLeft: Int?

    init(database: Database, context: SQLiteContext) {
        self.database = database
        self.context = context
        now = context.envelopes.wallClock.now()
    }

    /// With what events are stored in this transaction.
    var storing: Storing {
        Storing(database: database, coder: context.envelopes.coder, now: now) { [self] noted in
            change.formUnion(noted)
            if noted.contains(.delayed) { context.room.noteDelayed(1) }
        }
    }

    func afterCommit(_ action: @escaping () -> Void) {
        afterCommit.append(action)
    }

    func noteRecorded(_ deliveries: some Sequence<DeliveryID>) {
        recorded.formUnion(deliveries)
    }

    /// Runs one write in a savepoint of its own. One that is alone in its group fails with the whole transaction.
    func perform(
        isUsers: Bool, isAlone: Bool, _ operation: (WriteGroup) throws -> Void
    ) throws {
        let mark = (change, afterCommit.count, recorded)
        do {
            if isAlone {
                try operation(self)
                try checkTransaction()
            } else if isUsers {
                try database.inSavepoint {
                    try operation(self)
                    return .commit
                }
            } else {
                try ownSavepoint { try operation(self) }
            }
        } catch {
            (change, recorded) = (mark.0, mark.2)
            afterCommit.removeSubrange(mark.1...)
            roomLeft = nil
            // What was counted inside of it is gone.
            context.room.noteShrunk()
            // SQLite gives up the whole transaction on some failures, and a body may have ended it.
            guard database.isInsideTransaction else { throw GroupFailure(underlying: error) }
            if isAlone { throw GroupFailure(underlying: error) }
            throw error
        }
    }

    private func checkTransaction() throws {
        guard database.isInsideTransaction else {
            throw StorageError(
                .systemFailure,
                "the body ended the transaction it was given; leave committing and rolling back to the storage")
        }
    }

    /// A savepoint around statements of ours, which GRDB need not know.
    private func ownSavepoint(_ body: () throws -> Void) throws {
        try PreparedStatement(database, "SAVEPOINT aftercommit").execute()
        do {
            try body()
        } catch {
            guard database.isInsideTransaction else { throw error }
            do {
                try PreparedStatement(database, "ROLLBACK TO aftercommit").execute()
                try PreparedStatement(database, "RELEASE aftercommit").execute()
            } catch {
                throw GroupFailure(underlying: error)
            }
            throw error
        }
        try PreparedStatement(database, "RELEASE aftercommit").execute()
    }
}
#endif

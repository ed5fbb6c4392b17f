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

    private var insertion: EventInsertion?

    /// With what events are stored in this transaction.
    func eventInsertion() throws -> EventInsertion {
        if let insertion { return insertion }
        let new = try EventInsertion(into: .events, self)
        insertion = new
        return new
    }

    /// The transaction has ended: its statements are given up, whoever keeps the group.
    func end() {
        insertion = nil
        afterCommit = []
    }

    /// An event was stored that is to be delivered later.
    func noteDelayed() {
        change.insert(.delayed)
        context.room.noteDelayed(1)
    }

    func afterCommit(_ action: @escaping () -> Void) {
        afterCommit.append(action)
    }

    func noteRecorded(_ deliveries: some Sequence<DeliveryID>) {
        recorded.formUnion(deliveries)
    }

    /// Runs one write so that it can be undone. One that is alone in its group fails with the whole transaction.
    func perform(
        _ undo: WriteUndo, isAlone: Bool, _ operation: (WriteGroup) throws -> Void
    ) throws {
        let mark = (change, afterCommit.count, recorded)
        do {
            switch undo {
            case _ where isAlone:
                try operation(self)
                try checkTransaction()
            case .usersSavepoint:
                try database.inSavepoint {
                    try operation(self)
                    return .commit
                }
            case .savepoint: try ownSavepoint { try operation(self) }
            case .withGroup: try withGroup { try operation(self) }
            }
        } catch {
            (change, recorded) = (mark.0, mark.2)
            afterCommit.removeSubrange(mark.1...)
            roomLeft = nil
            context.room.noteUndone()
            // SQLite gives up the whole transaction on some failures, and a body may have ended it.
            if error is GroupFailure { throw error }
            if isAlone || !database.isInsideTransaction { throw GroupFailure(underlying: error) }
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

    /// What it wrote cannot be told from the others' writes: where the database refuses it, none of them is kept.
    private func withGroup(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as DatabaseError {
            throw GroupFailure(underlying: error)
        }
    }

    /// A savepoint around statements of ours, which GRDB need not know.
    private func ownSavepoint(_ body: () throws -> Void) throws {
        _ = try attempt {
            try body()
            return true
        }
    }

    /// Keeps what `body` wrote if it returns true.
    /// - Returns: whether it was kept.
    func attempt(_ body: () throws -> Bool) throws -> Bool {
        try PreparedStatement(database, "SAVEPOINT aftercommit").execute()
        let result = Result { try body() }
        let isKept = (try? result.get()) ?? false
        // Some errors end the whole transaction.
        guard database.isInsideTransaction else { return try result.get() }
        do {
            if !isKept { try PreparedStatement(database, "ROLLBACK TO aftercommit").execute() }
            try PreparedStatement(database, "RELEASE aftercommit").execute()
        } catch {
            throw GroupFailure(underlying: error)
        }
        return try result.get()
    }
}
#endif

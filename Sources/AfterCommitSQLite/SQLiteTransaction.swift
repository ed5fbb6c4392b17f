#if SQLite
public import AfterCommit
import Foundation
public import GRDB

/// A transaction of a ``SQLiteStorage``: GRDB's own connection, and the right to emit.
public final class SQLiteTransaction: StorageTransaction {
    private let group: WriteGroup
    private let share: Room.Share
    private var isOpen = true

    init(group: WriteGroup, share: Room.Share) {
        self.group = group
        self.share = share
    }

    func end() {
        isOpen = false
    }

    /// The connection, inside of the transaction. Leave committing and rolling back to the storage; use ``savepoint(_:)`` or
    /// GRDB's `inSavepoint` for parts that may fail alone.
    /// - Throws: `StorageError` with `transactionClosed` after the body has ended.
    public var database: Database {
        get throws {
            guard isOpen else { throw StorageError.transactionClosed }
            return group.database
        }
    }

    @discardableResult
    public func emit<E: Event>(_ event: E, options: EmitOptions) throws -> EventID {
        _ = try database
        let emission = try group.context.emission(event, options)
        try group.checkRoom(for: 1, share: share)
        return try group.context.tables.store(emission, group)
    }

    public func savepoint<R>(_ body: () throws -> R) throws -> R {
        var result: R?
        try database.inSavepoint {
            result = try body()
            return .commit
        }
        guard let result else { throw StorageError(.systemFailure, "the savepoint returned nothing") }
        return result
    }

    public func inboxRecord(for key: String) throws -> InboxRecord? {
        try InboxTable.record(for: key, database)
    }

    public func putInboxRecord(_ record: InboxRecord, window: Duration) throws {
        try InboxTable.put(record, window: window, database)
    }
}
#endif

#if SQLite
import AfterCommit
import Foundation
import GRDB
import Logging

/// What the parts of one storage share.
final class SQLiteContext: Sendable {
    let database: any DatabaseWriter
    let file: DatabaseFile
    let configuration: SQLiteStorage.Configuration
    let envelopes: EnvelopeFactory
    let time: TimeSource
    let logger: Logger
    let tables: any EventTables
    let live = LiveRows()
    let room: Room
    let writes: WriteQueue
    let observer: CommitObserver
    let pruner: Pruner

    init(
        database: any DatabaseWriter, file: DatabaseFile, configuration: SQLiteStorage.Configuration,
        envelopes: EnvelopeFactory, time: TimeSource, logger: Logger, tables: any EventTables
    ) {
        self.database = database
        self.file = file
        self.configuration = configuration
        self.envelopes = envelopes
        self.time = time
        self.logger = logger
        self.tables = tables
        room = Room(configuration)
        writes = WriteQueue(database: database, busyTimeout: configuration.busyTimeout)
        observer = CommitObserver(live: live, room: room, tables: tables)
        pruner = Pruner(configuration: configuration)
    }

    // MARK: Database access

    func write<R: Sendable>(
        undo: WriteUndo = .savepoint, _ operation: @escaping @Sendable (WriteGroup) throws -> R
    ) async throws -> R {
        try await writes.write(WriteRequest(undo: undo, operation: operation), in: self)
    }

    /// For what must be recorded whether or not its task is cancelled.
    func writeUncancelled<R: Sendable>(
        undo: WriteUndo = .savepoint, _ operation: @escaping @Sendable (WriteGroup) throws -> R
    ) async throws -> R {
        try await writes.writeUncancelled(WriteRequest(undo: undo, operation: operation), in: self)
    }

    /// Reads a snapshot that knows every commit which was acknowledged before. It is not cancelled with its task.
    func read<R: Sendable>(_ body: @escaping @Sendable (Database) throws -> R) async throws -> R {
        guard !writes.isClosed else { throw StorageError.closed }
        return try await withCheckedThrowingContinuation { continuation in
            database.asyncRead { connection in
                continuation.resume(
                    with: Result { try body(try connection.get()) }.mapError { StorageError.mappedOwn($0) })
            }
        }
    }

    /// Runs something on the connection that writes, outside of a transaction of ours.
    static func onWriter<R: Sendable>(
        _ database: any DatabaseWriter, _ body: @escaping @Sendable (Database) throws -> R
    ) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            database.asyncWriteWithoutTransaction { connection in
                continuation.resume(with: Result { try body(connection) }.mapError { StorageError.mappedOwn($0) })
            }
        }
    }

    /// Forgets some delivered events whose time has come, if this process delivers.
    func pruneIfDue(_ group: WriteGroup) throws {
        guard live.deliveredNames != nil, pruner.isDue(time.now()) else { return }
        try pruner.prune(group)
    }
}
#endif

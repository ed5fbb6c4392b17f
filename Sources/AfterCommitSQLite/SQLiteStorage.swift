#if SQLite
public import AfterCommit
import Foundation
public import GRDB
public import Logging

/// Outbox, or status column, in the user's own SQLite database: business rows and events share transactions.
///
/// ```swift
/// let pool = try DatabasePool(path: "shop.sqlite")
/// try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
/// let storage = try await SQLiteStorage(pool)
/// try await storage.transaction { tx in
///     try order.insert(tx.database)
///     try tx.emit(OrderPlaced(orderID: order.id))
/// }
/// ```
///
/// What a call acknowledges has reached the disk; concurrent transactions share one flush. One process delivers; any process may emit, also by
/// a plain `INSERT INTO outbox_events`. The database's file must be on a local file system.
public final class SQLiteStorage: TransactionalStorage {
    public typealias Transaction = SQLiteTransaction

    /// Where events are stored.
    public struct Events: Sendable {
        let tables: any EventTables

        /// In tables of their own, for any number of subscriptions.
        public static let outbox = Events(tables: OutboxTables())

        /// What brings a database to the format of this version, in order: for those who run migrations themselves.
        public var migrations: [SQLiteMigration] { tables.migrations }
    }

    public let name = "sqlite"
    public var envelopes: EnvelopeFactory { context.envelopes }
    public var inboxWindow: Duration { context.configuration.inboxWindow }
    /// The database that the storage was given.
    public var database: any DatabaseWriter { context.database }

    let context: SQLiteContext
    let queue: RowQueue<SQLiteRowSource>

    /// Uses a database of the user's, and brings the engine's tables in it to this version.
    ///
    /// It changes no setting of the connection.
    /// - Parameters:
    ///   - database: a `DatabasePool` or a `DatabaseQueue`. Its connection that writes must have `PRAGMA synchronous` `FULL` or
    ///     `EXTRA`, unless the database is in memory. A pool sets `NORMAL` itself: see the example above.
    ///   - events: where events are stored. Default: the outbox.
    ///   - configuration: limits.
    ///   - envelopes: makes envelopes, ids and dates.
    ///   - clock: measures when to prune.
    ///   - logger: told of what is forgotten and of failing disks. Default: nothing is logged.
    /// - Throws: `StorageError`: `unsuitablePath` for a connection that is not synchronous, `formatTooNew`, `storeBusy`,
    ///   `systemFailure`.
    public init(
        _ database: any DatabaseWriter,
        events: Events = .outbox,
        configuration: Configuration = Configuration(),
        envelopes: EnvelopeFactory = EnvelopeFactory(),
        clock: some Clock<Duration> = ContinuousClock(),
        logger: Logger = Logger(label: "AfterCommitSQLite", factory: { _ in SwiftLogNoOpLogHandler() })
    ) async throws {
        let tables = events.tables
        let (file, newest) = try await SQLiteContext.onWriter(database) { connection in
            let file = try DatabaseFile(checking: connection)
            try Self.migrate(tables, connection, configuration.busyTimeout)
            return (file, try tables.newestID(connection))
        }
        if let newest { envelopes.ids.advance(past: newest) }
        let context = SQLiteContext(
            database: database, file: file, configuration: configuration, envelopes: envelopes,
            time: TimeSource(clock), logger: logger, tables: tables)
        self.context = context
        queue = RowQueue(source: SQLiteRowSource(context: context), live: context.live)
        try await SQLiteContext.onWriter(database) { $0.add(transactionObserver: context.observer) }
    }

    deinit {
        queue.detach()
    }

    /// Commits what waits, and gives up the right to deliver. Later calls throw `StorageError` with `closed`. The database
    /// stays open: it is the user's.
    public func close() async {
        await context.writes.close()
        queue.detach()
    }

    private static func migrate(
        _ tables: any EventTables, _ connection: Database, _ busyTimeout: Duration
    ) throws {
        try WriteQueue.begin(connection, busyTimeout: busyTimeout)
        do {
            try tables.migrate(connection)
            try connection.commit()
        } catch {
            if connection.isInsideTransaction { try connection.rollback() }
            throw error
        }
    }
}
#endif

#if Postgres
public import AfterCommit
import Foundation
public import Logging

/// A storage in PostgreSQL: the user's rows and the events share transactions, and relays on many servers deliver.
///
/// ```swift
/// let storage = try await PostgresStorage(PostgresConfiguration("postgresql://shop@db.example/shop"))
/// try await storage.transaction { tx in
///     try tx.execute("INSERT INTO orders (id, total) VALUES ($1, $2)", .uuid(order.id), .text("\(order.total)"))
///     try tx.emit(OrderPlaced(orderID: order.id, total: order.total))
/// }
/// ```
///
/// Or a status column beside the user's own rows: ``Events/statusColumn(_:keyColumn:key:rebuild:)``.
///
/// Whoever inserts a row into `outbox_events` in a transaction of their own has emitted an event too, in whatever language.
public final class PostgresStorage: TransactionalStorage {
    public typealias Transaction = PostgresTransaction

    public let name = "postgres"
    public let envelopes: EnvelopeFactory

    let pool: PostgresPool
    let queue: any PostgresQueue
    let runner: TransactionRunner
    let batcher: EmitBatcher
    let configuration: Configuration
    let time: TimeSource
    let logger: Logger
    private let listener: PostgresListener

    /// Connects, and brings the tables to this version's schema.
    /// - Parameters:
    ///   - database: where the database is, and how to connect.
    ///   - events: where events are kept. Default: the outbox.
    ///   - configuration: leases, retention, migrations.
    ///   - envelopes: makes envelopes, ids and dates.
    ///   - clock: measures leases and waits.
    ///   - logger: told of lapsed leases and lost connections. Default: nothing is logged.
    /// - Throws: ``PostgresError`` where the database cannot be reached; `StorageError` with `formatTooNew` for a schema of a
    ///   newer version, with `unsuitablePath` for a missing one that must not be made or for a value of the configuration with
    ///   which nothing could work, with `invalidTable` for a table that cannot have a status column.
    public init(
        _ database: PostgresConfiguration,
        events: Events = .outbox,
        configuration: Configuration = Configuration(),
        envelopes: EnvelopeFactory = EnvelopeFactory(),
        clock: some Clock<Duration> = ContinuousClock(),
        logger: Logger = Logger(label: "AfterCommitPostgres", factory: { _ in SwiftLogNoOpLogHandler() })
    ) async throws {
        try configuration.validate()
        let time = TimeSource(clock)
        let pool = try PostgresPool(database, time: time)
        let queue: any PostgresQueue =
            if let column = events.column {
                PostgresStatusColumn(
                    column: column, pool: pool, envelopes: envelopes, configuration: configuration, time: time,
                    logger: logger)
            } else {
                PostgresOutbox(
                    pool: pool, envelopes: envelopes, configuration: configuration, time: time, logger: logger)
            }
        do {
            try await events.migrator.prepare(pool, applies: configuration.migrates)
            try await pool.run { try queue.advanceIDs(in: $0) }
        } catch {
            await pool.close()
            throw error
        }
        self.pool = pool
        self.queue = queue
        self.envelopes = envelopes
        self.configuration = configuration
        self.time = time
        self.logger = logger
        let runner = TransactionRunner(
            pool: pool, maxConflicts: configuration.maxConflicts, patience: configuration.reconnectTimeout, time: time)
        self.runner = runner
        batcher = EmitBatcher { try await Self.store($0, in: queue, with: runner) }
        let lookAgain: @Sendable () -> Void = { queue.wake([.claimable, .delayed, .deadLetters]) }
        listener = try PostgresListener(
            database, channel: "aftercommit_outbox", time: time, logger: logger, onNotification: lookAgain,
            onListening: lookAgain)
        listener.start()
    }

    deinit {
        listener.interruptThread()
        queue.detach()
    }

    /// Gives back what is claimed and closes the connections; statements that are under way end at the server too. Later calls throw `StorageError` with `closed`.
    public func close() async {
        listener.interruptThread()
        await queue.close()
        await pool.close()
        await listener.stop()
    }

    public var leaseDuration: Duration? { queue.leaseDuration }
    public var reclaimedDeliveries: Int { queue.reclaimedDeliveries }
    public var ordersKeys: Bool { queue.ordersKeys }
    public var inboxWindow: Duration { configuration.inboxWindow }
}
#endif

#if LMDB
public import AfterCommit
import CLMDB
import Foundation
public import Logging

/// A durable storage in one folder: the user's tables and the events share transactions, without a database server.
///
/// ```swift
/// let storage = try LMDBStorage(path: "shop.lmdb")
/// ```
///
/// What a call acknowledges has reached the disk. Concurrent transactions share one flush. One process delivers from a store.
/// The path must be on a local file system.
public final class LMDBStorage: TableStorage {
    public typealias Transaction = LMDBTransaction
    public typealias Reader = LMDBReader

    public let name = "lmdb"
    public var envelopes: EnvelopeFactory { context.envelopes }

    let context: StoreContext
    let writer: LMDBWriter
    let reader: StoreReader
    let folder: String
    /// The store's folder, as an absolute path.
    public var path: String { folder }

    /// Opens the store at `path`, and makes it where there is none.
    /// - Parameters:
    ///   - path: the store's folder. Its parent must exist. Only the user of this process may be able to write to it.
    ///   - configuration: limits.
    ///   - envelopes: makes envelopes, ids and dates.
    ///   - clock: measures how long writes wait for each other, and when to trim.
    ///   - logger: told of damage and of failing disks. Default: nothing is logged.
    /// - Throws: `StorageError`: `unsuitablePath`, `alreadyOpen` in this process, `formatTooNew`, `corrupted` for a file
    ///   that is too short, or `systemFailure`.
    public init(
        path: String,
        configuration: Configuration = Configuration(),
        envelopes: EnvelopeFactory = EnvelopeFactory(),
        clock: some Clock<Duration> = ContinuousClock(),
        logger: Logger = Logger(label: "AfterCommitLMDB", factory: { _ in SwiftLogNoOpLogHandler() })
    ) throws {
        guard !path.isEmpty else {
            throw StorageError(.unsuitablePath, "the path is empty; name the folder that is to hold the store")
        }
        // The process may change its folder later.
        folder = URL(fileURLWithPath: path).standardizedFileURL.path
        try StoreFolder.prepare(folder) { folder throws(StorageError) in
            try Self.initialize(folder, configuration)
        }
        let openStore = try OpenStore(folder)
        let environment = try Environment(
            folder: folder, holding: openStore, mapBytes: configuration.mapReserveBytes,
            maxDatabases: Databases.count + configuration.maxTables)
        try environment.clearDeadReaders()
        let handles = TableHandles()
        let databases = try Self.load(environment, handles, envelopes)
        context = StoreContext(
            environment: environment, databases: databases, handles: handles,
            deliveries: LiveDeliveries(), configuration: configuration, envelopes: envelopes,
            time: TimeSource(clock), logger: logger)
        writer = try LMDBWriter(context: context, thread: StoreThread(name: "lmdb-writer"))
        reader = StoreReader(context: context, thread: StoreThread(name: "lmdb-reader"))
        reader.thread.start()
        writer.thread.start { [writer] in
            writer.assumeIsolated { $0.commitWaiting() }
        }
    }

    deinit {
        // Both threads end by themselves; the delivery lock and the environment go with the last of them.
        writer.mailbox.close()
        writer.thread.stop()
        reader.thread.stop()
    }

    /// Commits what waits, ends the threads and closes the store. Later calls throw `StorageError` with `closed`.
    public func close() async {
        writer.mailbox.close()
        writer.thread.stop()
        await writer.thread.end()
        // Not before the last settlement is committed: another process may deliver from here on.
        context.deliveries.end()
        await reader.close()
        reader.thread.stop()
        await reader.thread.end()
        context.environment.close()
    }

    /// Fills a new folder with an empty store.
    private static func initialize(
        _ folder: String, _ configuration: Configuration
    ) throws(StorageError) {
        let environment = try Environment(
            folder: folder, mapBytes: 16 << 20, maxDatabases: Databases.count)
        defer { environment.close() }
        let transaction = try environment.beginWrite()
        do throws(StorageError) {
            try Databases(transaction, create: true).initialize(transaction)
        } catch {
            transaction.abort()
            throw error
        }
        try transaction.commit()
    }

    /// Opens what the store holds, and makes further ids greater than the newest event's.
    private static func load(
        _ environment: Environment, _ handles: TableHandles, _ envelopes: EnvelopeFactory
    ) throws(StorageError) -> Databases {
        let transaction = try environment.beginRead()
        let databases: Databases
        do throws(StorageError) {
            databases = try Databases(transaction, create: false)
            try handles.openAll(transaction)
            let log = EventLog(transaction: transaction, database: databases.log)
            if let id = try log.newestID() { envelopes.ids.advance(past: id) }
        } catch {
            transaction.abort()
            guard error.lmdbError?.code == MDB_NOTFOUND else { throw error }
            throw StorageError(.unsuitablePath, "this LMDB environment is not a store", cause: error)
        }
        // Committing keeps the handles that were opened.
        try transaction.commit()
        return databases
    }
}
#endif

#if LMDB
public import AfterCommit
import Foundation
public import Logging

/// A durable storage in one folder: the user's tables and the events share transactions, without a database server.
///
/// ```swift
/// let storage = try LMDBStorage(path: "shop.lmdb")
/// ```
///
/// What a call acknowledges has reached the disk. Concurrent transactions share one flush. One process delivers from a store; any number
/// of processes may emit into it.
/// The path must be on a local file system.
public final class LMDBStorage: TableStorage {
    public typealias Transaction = LMDBTransaction
    public typealias Reader = LMDBReader

    public let name = "lmdb"
    public var envelopes: EnvelopeFactory { context.envelopes }

    let context: StoreContext
    let writer: LMDBWriter
    let reader: StoreReader
    let watch: CommitWatch
    let folder: String
    /// The store's folder, as an absolute path.
    public var path: String { folder }

    /// Opens the store at `path`, and makes it where there is none.
    /// - Parameters:
    ///   - path: the store's folder. Its parent must exist. Only the user of this process may be able to write to it.
    ///   - events: where the events are: an outbox, or a status column. Default: an outbox. The store notes it. Opening it
    ///     otherwise changes the note where every event is settled and no dead letter is left, and is refused else.
    ///   - configuration: limits.
    ///   - envelopes: makes envelopes, ids and dates.
    ///   - clock: measures how long writes wait for each other, and when to trim.
    ///   - logger: told of damage and of failing disks. Default: nothing is logged.
    /// - Throws: `StorageError`: `unsuitablePath`, `alreadyOpen` in this process, `storeBusy`, `formatTooNew`,
    ///   `corrupted` for a file that is too short, `unsettledEvents` where the store has its events elsewhere, `invalidTable`
    ///   for a status column of a table that cannot be, or `systemFailure`.
    public convenience init(
        path: String,
        events: Events = .outbox,
        configuration: Configuration = Configuration(),
        envelopes: EnvelopeFactory = EnvelopeFactory(),
        clock: some Clock<Duration> = ContinuousClock(),
        logger: Logger = Logger(label: "AfterCommitLMDB", factory: { _ in SwiftLogNoOpLogHandler() })
    ) throws {
        try self.init(
            path: path, as: events, configuration: configuration, envelopes: envelopes, time: TimeSource(clock),
            logger: logger)
    }

    /// - Parameter events: `nil` opens it as it is, to look at it only.
    init(
        path: String, as events: Events?, configuration: Configuration, envelopes: EnvelopeFactory, time: TimeSource,
        logger: Logger
    ) throws {
        guard !path.isEmpty else {
            throw StorageError(.unsuitablePath, "the path is empty; name the folder that is to hold the store")
        }
        // Before it is noted in the store.
        try events?.column?.checkTable(TableHandles())
        // The process may change its folder later.
        folder = URL(fileURLWithPath: path).standardizedFileURL.path
        try StoreFolder.prepare(folder) { folder throws(StorageError) in
            try Self.initialize(folder, configuration)
        }
        let openStore = try OpenStore(folder)
        context = try Self.load(
            folder, openStore, events: events, configuration: configuration, envelopes: envelopes, time: time,
            logger: logger)
        try context.column?.checkTable(context.handles)
        watch = CommitWatch(context: context)
        writer = try LMDBWriter(context: context, thread: StoreThread(name: "lmdb-writer"))
        reader = StoreReader(context: context, thread: StoreThread(name: "lmdb-reader"))
        reader.thread.start()
        writer.thread.start { [writer] in
            writer.assumeIsolated { $0.commitWaiting() }
        }
    }

    deinit {
        // The threads end by themselves; the delivery lock and the environment go with the last of them.
        watch.stop()
        writer.mailbox.close()
        writer.thread.stop()
        reader.thread.stop()
    }

    /// Commits what waits, ends the threads and closes the store. Later calls throw `StorageError` with `closed`.
    public func close() async {
        watch.stop()
        writer.mailbox.close()
        writer.thread.stop()
        await writer.thread.end()
        // Not before the last settlement is committed: another process may deliver from here on.
        context.deliveries.end()
        await reader.close()
        reader.thread.stop()
        await reader.thread.end()
        // A backup that is being made is waited for.
        let environment = context.environment
        await onOwnThread("lmdb-close") { environment.close() }
    }
}
#endif

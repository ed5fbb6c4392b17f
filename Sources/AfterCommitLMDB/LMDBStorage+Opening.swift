#if LMDB
import AfterCommit
import CLMDB
import Foundation
import Logging

extension LMDBStorage {
    /// Fills a new folder with an empty store.
    static func initialize(
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

    /// Opens a store that is there, and brings it to the current format.
    static func load(
        _ folder: String, _ openStore: OpenStore, events: Events?, configuration: Configuration,
        envelopes: EnvelopeFactory,
        time: TimeSource, logger: Logger
    ) throws(StorageError) -> StoreContext {
        let lock = openStore.writerLock
        guard try lock.use() else {
            throw StorageError(
                .storeBusy, "another process brings the store to a newer format; try again when it has ended",
                processID: try lock.otherUser())
        }
        let environment = try Environment(
            folder: folder, holding: openStore, mapBytes: configuration.mapReserveBytes,
            maxDatabases: Databases.count + configuration.maxTables)
        try environment.clearDeadReaders()
        let handles = TableHandles()
        let databases: Databases
        let identity: UUID
        do throws(StorageError) {
            try StoreFormat.migrate(environment, lock, timeout: configuration.writerTimeout, time: time)
            if let events {
                try StoreFormat.adopt(
                    events.noted, environment, lock, timeout: configuration.writerTimeout, time: time)
            }
            _ = try lock.use()
            (databases, identity) = try load(environment, handles, envelopes)
        } catch {
            guard error.lmdbError?.code == MDB_NOTFOUND else { throw error }
            throw StorageError(.unsuitablePath, "this LMDB environment is not a store", cause: error)
        }
        return StoreContext(
            environment: environment, databases: databases, handles: handles, identity: identity,
            deliveries: LiveDeliveries(), column: events?.column, writerLock: lock, commits: KnownCommits(),
            configuration: configuration, envelopes: envelopes, time: time, logger: logger)
    }

    /// Opens what the store holds, and makes further ids greater than the newest event's.
    private static func load(
        _ environment: Environment, _ handles: TableHandles, _ envelopes: EnvelopeFactory
    ) throws(StorageError) -> (Databases, UUID) {
        let transaction = try environment.beginRead()
        let databases: Databases
        let identity: UUID
        do throws(StorageError) {
            databases = try Databases(transaction, create: false)
            identity = try StoreFormat.identity(transaction, databases.meta)
            try handles.openAll(transaction)
            let log = EventLog(transaction: transaction, database: databases.log)
            if let id = try log.newestID() { envelopes.ids.advance(past: id) }
        } catch {
            transaction.abort()
            throw error
        }
        // Committing keeps the handles that were opened.
        try transaction.commit()
        return (databases, identity)
    }
}
#endif

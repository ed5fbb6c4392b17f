#if LMDB
import AfterCommit
import CLMDB
import Foundation
import Logging

/// One write transaction that many requests share. It lives on the writer's thread for one commit.
final class WriteGroup {
    /// A subscription's place as this group leaves it.
    struct Place {
        var record: SubscriptionRecord
        var cursor: SubscriptionCursor
        var isChanged = false
    }

    let context: StoreContext
    let transaction: Transaction
    var space: Space
    private(set) var writtenBytes = 0
    var appendedCount = 0
    var tail: EventLog.Position?
    /// The log's first sequence, while nothing of it is trimmed in this group.
    private var firstInLog: UInt64?
    private var openedTables: [String: MDB_dbi] = [:]
    private var knownTables: [String: MDB_dbi]
    var places: [String: Place] = [:]
    /// Deliveries of which this group has recorded something else than their delivery.
    var recorded: Set<DeliveryID> = []
    /// What becomes true for this process once the commit has succeeded.
    var afterCommit: [() -> Void] = []
    /// What those who deliver must be told after the commit.
    var change: StorageChange = []

    init(context: StoreContext, space: Space) throws(StorageError) {
        self.context = context
        self.space = space
        knownTables = context.handles.snapshot
        try context.writerLock.acquire(timeout: context.configuration.writerTimeout, time: context.time)
        do throws(StorageError) {
            transaction = try context.environment.beginWrite()
        } catch {
            context.releaseWriter()
            throw error
        }
    }

    var environment: Environment { context.environment }
    var handles: TableHandles { context.handles }

    // MARK: Room

    /// Refuses emits and transactions while the store is full.
    func checkRoom(forFurther bytes: Int, use: Space.Use = .usual) throws(StorageError) {
        guard space.fits(writtenBytes + context.room.bytes + bytes, for: use) else {
            if space.isDiskFull {
                throw StorageError.storageFull(
                    "the disk is full: of the \(space.diskBytes ?? 0) bytes that the store has there about \(space.usedBytes) are used and \(Space.diskReserveBytes) are kept for settling; free disk space"
                )
            }
            throw StorageError.storageFull(
                "the store uses about \(space.usedBytes) bytes of \(space.limitBytes), of which \(space.reserveBytes) are kept for settling; let deliveries go on, delete dead letters, or raise `maxBytes`"
            )
        }
    }

    /// Notes what a request wrote.
    func wrote(_ bytes: Int) {
        writtenBytes += bytes
    }

    // MARK: Writing

    /// Runs writes that cannot be taken back alone: if they fail, the group does.
    func mutate<R>(_ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch {
            throw GroupFailure(underlying: error)
        }
    }

    /// The log's first sequence.
    func firstLogged() throws(StorageError) -> UInt64 {
        if let firstInLog { return firstInLog }
        let first = try context.log(transaction).first()?.sequence ?? 1
        firstInLog = first
        return first
    }

    func trimmedLog() {
        firstInLog = nil
    }

    // MARK: Tables

    func database(ofTable name: String) -> MDB_dbi? {
        knownTables[name]
    }

    /// Opens a table, new if it must be. No child may be open.
    func openTable(_ name: String) throws(StorageError) {
        let database = try TableHandles.create(name, transaction)
        knownTables[name] = database
        openedTables[name] = database
    }

    // MARK: Ending

    func abort() {
        transaction.abort()
        context.releaseWriter()
    }

    func commit() throws {
        let id = transaction.id
        do {
            for place in places.values where place.isChanged {
                try context.subscriptions(transaction).put(place.record)
            }
        } catch {
            abort()
            throw error
        }
        defer { context.releaseWriter() }
        try transaction.commit()
        // From here on it may only succeed: what has failed is run again, and this is on the disk.
        noteCommit(id)
        handles.install(openedTables)
        for action in afterCommit { action() }
    }

    private func noteCommit(_ id: UInt64) {
        do throws(StorageError) {
            // A transaction that wrote nothing leaves no trace, and the next one of any process gets its id.
            if try environment.lastTransactionID() >= id { context.commits.noteOwn(id) }
        } catch {
            // Not noted, it is taken for another process's: one wake too many.
            context.logger.warning(
                "the store's last commit cannot be looked at", metadata: [LogKey.error: "\(error)"])
        }
    }
}

extension UInt64 {
    /// The nearest value: dates before 1970 and absurd ones must not trap.
    init(clamping number: Double) {
        self = number > 0 ? (number < 9e18 ? UInt64(number) : .max / 2) : 0
    }
}
#endif

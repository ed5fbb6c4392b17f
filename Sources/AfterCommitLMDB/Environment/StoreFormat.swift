#if LMDB
import AfterCommit
import CLMDB
import Foundation

/// The version of a store's format, and the way to it from older ones.
///
/// 1: the first. 2: an identity, by which a restored backup is told from the store it was made of; delayed events,
/// deduplication keys, a quarantine; rows that tell the budget spent and whether they own their envelope. 3: version 2 with a
/// status column, which binaries before it would take for an outbox; only stores that have had one are given it.
struct StoreFormat {
    /// Makes a store of version `from` one of the next version, in a transaction that others share.
    struct Step: Sendable {
        let from: UInt32
        let apply: @Sendable (Transaction, _ meta: MDB_dbi) throws(StorageError) -> Void
    }

    /// The version that new stores have, and that older ones are brought to.
    static let current: UInt32 = 2
    static let withStatusColumn: UInt32 = 3
    /// The newest version that is read.
    static let newest = withStatusColumn
    static let steps = [
        Step(from: 1) { transaction, meta throws(StorageError) in try makeVersion2(transaction, meta) }
    ]

    /// What must be done with a store of version `found`, in order.
    static func plan(
        from found: UInt32, to current: UInt32 = current, newest: UInt32 = newest, steps: [Step] = steps
    ) throws(StorageError) -> [Step] {
        guard found <= newest else {
            throw StorageError(
                .formatTooNew, "the store has format \(found), this version knows \(newest): use a newer version")
        }
        guard found < current else { return [] }
        var plan: [Step] = []
        for version in found..<current {
            guard let step = steps.first(where: { $0.from == version }) else {
                throw StorageError(
                    .corrupted,
                    "the store has format \(found), from which there is no way to \(current); restore a backup")
            }
            plan.append(step)
        }
        return plan
    }

    /// Brings the store up to the current version, all steps in one transaction.
    /// - Throws: `formatTooNew` before anything is written, `storeBusy` while another process has an older store open.
    static func migrate(
        _ environment: Environment, _ lock: WriterLock, timeout: Duration, time: TimeSource
    ) throws(StorageError) {
        guard try !plan(from: version(environment)).isEmpty else { return }
        guard try lock.useAlone() else {
            throw StorageError.migrationBusy(processID: try lock.otherUser() ?? 0)
        }
        try alone(environment, lock, timeout: timeout, time: time) { transaction, meta throws(StorageError) in
            for step in try plan(from: version(transaction, meta)) { try step.apply(transaction, meta) }
            try write(current, transaction, meta)
        }
    }

    /// Runs `body` in one transaction, of a store that this process has for itself.
    static func alone(
        _ environment: Environment, _ lock: WriterLock, timeout: Duration, time: TimeSource,
        _ body: (Transaction, _ meta: MDB_dbi) throws(StorageError) -> Void
    ) throws(StorageError) {
        try lock.acquire(timeout: timeout, time: time)
        do throws(StorageError) {
            try writeAlone(environment, body)
        } catch {
            try lock.release()
            throw error
        }
        try lock.release()
        // The handles that were opened for it are not the store's.
        try environment.replace(reserving: try environment.mapBytes())
    }

    private static func writeAlone(
        _ environment: Environment, _ body: (Transaction, _ meta: MDB_dbi) throws(StorageError) -> Void
    ) throws(StorageError) {
        let transaction = try environment.beginWrite()
        do throws(StorageError) {
            try body(transaction, try Databases.open("meta", transaction, create: false))
            // What was written is no more than these trees hold. The file must not end before its last page.
            var pages = 0
            for (name, number) in try Databases(transaction, create: false).handles where name != "log" {
                let statistics = try transaction.statistics(of: number)
                pages += statistics.ms_branch_pages + statistics.ms_leaf_pages + statistics.ms_overflow_pages
            }
            var file = FileExtender(descriptor: try environment.dataFile())
            file.extend(past: try environment.highWaterBytes(), further: pages * environment.pageBytes)
        } catch {
            transaction.abort()
            throw error
        }
        try transaction.commit()
    }

    // MARK: Records

    private static func version(_ environment: Environment) throws(StorageError) -> UInt32 {
        let transaction = try environment.beginRead()
        defer { transaction.abort() }
        return try version(transaction, try Databases.open("meta", transaction, create: false))
    }

    static func version(_ transaction: Transaction, _ meta: MDB_dbi) throws(StorageError) -> UInt32 {
        let found = try withKey("format") { key throws(StorageError) in
            try transaction.content(key, in: meta).map { bytes throws(StorageError) in
                var reader = ByteReader(bytes)
                return try reader.fixed(UInt32.self)
            }
        }
        guard let found else { throw StorageError(.corrupted, "the store has no format version") }
        return found
    }

    static func write(
        _ version: UInt32, _ transaction: Transaction, _ meta: MDB_dbi
    ) throws(StorageError) {
        var writer = ByteWriter()
        writer.put(fixed: version)
        try put(writer.bytes, "format", transaction, meta)
    }

    static func identity(_ transaction: Transaction, _ meta: MDB_dbi) throws(StorageError) -> UUID {
        let bytes = try withKey("id") { key throws(StorageError) in
            try transaction.content(key, in: meta).map { Data($0) }
        }
        guard let bytes, let identity = UUID(tableKeyBytes: bytes) else {
            throw StorageError(.corrupted, "the store has no identity")
        }
        return identity
    }

    static func writeIdentity(
        _ identity: UUID, _ transaction: Transaction, _ meta: MDB_dbi
    ) throws(StorageError) {
        try put(Array(identity.tableKeyBytes), "id", transaction, meta)
    }

    /// The last id that a subscription was given; 0 before the first. Ids are not given twice: notes of deliveries in flight
    /// outlive their subscription.
    static func lastSubscriptionID(_ transaction: Transaction, _ meta: MDB_dbi) throws(StorageError) -> UInt32 {
        let last = try withKey(lastSubscription) { key throws(StorageError) in
            try transaction.content(key, in: meta).map { bytes throws(StorageError) in
                var reader = ByteReader(bytes)
                return try reader.fixed(UInt32.self)
            }
        }
        return last ?? 0
    }

    static func writeLastSubscriptionID(
        _ id: UInt32, _ transaction: Transaction, _ meta: MDB_dbi
    ) throws(StorageError) {
        var writer = ByteWriter()
        writer.put(fixed: id)
        try put(writer.bytes, lastSubscription, transaction, meta)
    }

    private static let lastSubscription = "subscriptions.last"

    /// How many dead letters were redriven or deleted, ever: by it the delivering process sees that another has done so.
    static func removedDeadLetters(_ transaction: Transaction, _ meta: MDB_dbi) throws(StorageError) -> UInt64 {
        let count = try withKey(removedDeadLetters) { key throws(StorageError) in
            try transaction.content(key, in: meta).map { bytes throws(StorageError) in
                var reader = ByteReader(bytes)
                return try reader.fixed(UInt64.self)
            }
        }
        return count ?? 0
    }

    static func countDeadLetters(
        removed count: Int, _ transaction: Transaction, _ meta: MDB_dbi
    ) throws(StorageError) {
        var writer = ByteWriter()
        writer.put(fixed: try removedDeadLetters(transaction, meta) &+ UInt64(count))
        try put(writer.bytes, removedDeadLetters, transaction, meta)
    }

    private static let removedDeadLetters = "deadLetters.removed"

    static func put(
        _ content: [UInt8], _ name: String, _ transaction: Transaction, _ meta: MDB_dbi
    ) throws(StorageError) {
        try withKey(name) { key throws(StorageError) in
            try transaction.put(key, in: meta, content: content)
        }
    }
}

extension StorageError {
    fileprivate static func migrationBusy(processID: Int32) -> Self {
        Self(
            .storeBusy,
            "the store must be brought to a newer format first, and process \(processID) has it open; end that process",
            processID: processID)
    }
}
#endif

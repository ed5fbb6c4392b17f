#if Postgres
public import AfterCommit
import Foundation

/// A transaction of a ``PostgresStorage``.
public final class PostgresTransaction: StorageTransaction {
    let session: PostgresSession
    private let queue: any PostgresQueue
    private let envelopes: EnvelopeFactory
    private var isOpen = true
    private var savepoints = 0
    private(set) var emissions: [Emission] = []
    /// Whether anything was asked of the server, so that there may be something to commit.
    private(set) var isUsed = false
    /// A failure because of others, or of the connection, whatever the body made of it.
    private(set) var failure: PostgresError?

    init(session: PostgresSession, queue: any PostgresQueue, envelopes: EnvelopeFactory) {
        self.session = session
        self.queue = queue
        self.envelopes = envelopes
    }

    // MARK: Statements

    /// Runs one statement that changes something; its parameters are `$1`, `$2` and so on.
    /// - Returns: how many rows it inserted, changed or deleted.
    /// - Throws: ``PostgresError``, after which nothing but the end of the transaction, or of the savepoint around it, is
    ///   possible.
    @discardableResult
    public func execute(_ sql: String, _ parameters: PostgresValue...) throws -> Int {
        try query(sql, parameters).affectedRows
    }

    /// Runs one statement that returns rows; its parameters are `$1`, `$2` and so on.
    /// - Throws: as ``execute(_:_:)``.
    public func query(_ sql: String, _ parameters: PostgresValue...) throws -> PostgresResult {
        try query(sql, parameters)
    }

    /// Runs one statement with parameters that were collected.
    public func query(_ sql: String, _ parameters: [PostgresValue]) throws -> PostgresResult {
        try noting { try $0.execute(sql, parameters) }
    }

    private func noting<R>(_ body: (PostgresSession) throws -> R) throws -> R {
        guard isOpen else { throw StorageError.transactionClosed }
        isUsed = true
        do {
            return try body(session)
        } catch let error as PostgresError {
            if error.hasUndoneAll || error.isConnectionLost || error.isStaleStatement { failure = error }
            throw error
        }
    }

    // MARK: Emitting

    /// - Throws: as the protocol says; `StorageError` with `needsOutbox` in a status column.
    @discardableResult
    public func emit<E: Event>(_ event: E, options: EmitOptions) throws -> EventID {
        guard isOpen else { throw StorageError.transactionClosed }
        return try emit(try envelopes.emission(event, options: options, form: queue.payloadForm))
    }

    func emit(_ emission: Emission) throws -> EventID {
        try noting { session in
            try queue.check(emission)
            if let first = try queue.firstID(for: emission, among: emissions, in: session) { return first }
            try queue.mark(emission, in: session)
            emissions.append(emission)
            return emission.envelope.id
        }
    }

    /// Emits events that came from elsewhere, apart from those that are known, or cannot be stored.
    func receive(_ emissions: [Emission]) throws -> ReceiveReport {
        var report = ReceiveReport()
        func refusing(_ position: Int, _ body: () throws -> Void) throws {
            do {
                try body()
            } catch let error as EmitError {
                report.refused[position] = error
            }
        }
        for (position, emission) in emissions.enumerated() { try refusing(position) { try queue.check(emission) } }
        // Almost all are new: one statement takes the keys of those. Each other one is looked at.
        let storable = emissions.enumerated().filter { report.refused[$0.offset] == nil }
        let taken = try noting { try queue.takeKeys(of: storable.map(\.element), in: $0) }
        for ((position, emission), isTaken) in zip(storable, taken) {
            guard !isTaken else {
                self.emissions.append(emission)
                continue
            }
            try refusing(position) {
                let first = try noting { try queue.firstID(for: emission, among: self.emissions, in: $0) }
                if first == nil { self.emissions.append(emission) } else { report.duplicates.append(position) }
            }
        }
        return report
    }

    // MARK: Savepoints

    public func savepoint<R>(_ body: () throws -> R) throws -> R {
        let name = "aftercommit_\(savepoints)"
        try execute("SAVEPOINT \(name)")
        savepoints += 1
        defer { savepoints -= 1 }
        let emitted = emissions.count
        let result: R
        do {
            result = try body()
        } catch {
            emissions.removeSubrange(emitted...)
            // What the server has undone as a whole needs no savepoint any more.
            if failure == nil { try execute("ROLLBACK TO SAVEPOINT \(name)") }
            throw error
        }
        try execute("RELEASE SAVEPOINT \(name)")
        return result
    }

    // MARK: Inbox

    public func inboxRecord(for key: String) throws -> InboxRecord? {
        try noting { try PostgresInbox.record(for: key, in: $0) }
    }

    public func putInboxRecord(_ record: InboxRecord, window: Duration) throws {
        try noting { try PostgresInbox.put(record, window: window, in: $0) }
    }

    /// After it nothing can be done with the transaction.
    func close() {
        isOpen = false
    }
}
#endif

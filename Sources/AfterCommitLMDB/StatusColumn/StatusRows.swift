#if LMDB
import AfterCommit
import CLMDB
import Foundation

/// Makes events of the rows that the log refers to, as one snapshot shows them.
struct StatusRows {
    /// What is behind a reference.
    enum Found {
        case event(any Event)
        /// The row is gone or has gone on, and the event with it.
        case gone
        /// No event can be made of it; its bytes.
        case refused(Data, reason: String)
    }

    let context: StoreContext
    let column: StatusColumn
    let transaction: Transaction
    /// `nil` while nothing was written to the table.
    private let database: MDB_dbi?

    /// - Parameter handle: taken before the snapshot began, so that the snapshot knows it.
    /// - Throws: ``UnopenedTable`` for a table that another process has made.
    init(_ context: StoreContext, _ column: StatusColumn, _ transaction: Transaction, handle: MDB_dbi?) throws {
        self.context = context
        self.column = column
        self.transaction = transaction
        if handle == nil, try TableHandles.exists(column.table, transaction) {
            throw UnopenedTable(name: column.table)
        }
        database = handle
    }

    /// The delivery with its event in the place of the reference.
    func resolved(_ reference: ClaimedDelivery) throws(StorageError) -> ClaimedDelivery {
        // What could not be read before has no row.
        guard !reference.isDamaged else { return reference }
        switch try find(reference.envelope) {
        case .event(let event):
            return replacing(reference, EnvelopeBox(envelope(reference.envelope, of: event)))
        case .gone:
            var delivery = reference
            delivery.isGone = true
            return delivery
        case .refused(let bytes, let reason):
            var envelope = reference.envelope
            envelope.payload = .bytes(bytes)
            envelope.contentType = StatusColumn.rowType
            var delivery = replacing(reference, EnvelopeBox(envelope, refusal: reason))
            delivery.isDamaged = true
            return delivery
        }
    }

    /// The envelope with the event as its row tells it now; as it is where the row does not.
    func shown(_ envelope: Envelope) throws(StorageError) -> Envelope {
        if case .event(let event) = try find(envelope, inAnyState: true) {
            self.envelope(envelope, of: event)
        } else {
            envelope
        }
    }

    /// - Parameter inAnyState: whether the row's event may be settled.
    func find(_ envelope: Envelope, inAnyState: Bool = false) throws(StorageError) -> Found {
        // Events that are no references were settled before the store had the column.
        guard let database, let key = envelope.referredKey else { return .gone }
        let content: Data
        do throws(StorageError) {
            guard let row = try transaction.row(key, in: database), let header = row.header,
                header.status.eventID == envelope.id, inAnyState || header.status.state == .pending
            else { return .gone }
            content = Data(row.content)
        } catch {
            guard error.lmdbError == nil else { throw error }
            return .refused(try stored(key, in: database), reason: "the row cannot be read: \(error.message)")
        }
        do {
            return .event(try column.event(ofKey: key, content))
        } catch {
            return .refused(content, reason: String(describing: error))
        }
    }

    private func stored(_ key: Data, in database: MDB_dbi) throws(StorageError) -> Data {
        try withBytes(Array(key)) { key throws(StorageError) in
            try transaction.stored(key, in: database).map { Data($0) } ?? Data()
        }
    }

    private func envelope(_ reference: Envelope, of event: any Event) -> Envelope {
        var envelope = reference
        envelope.payload = .value(event)
        envelope.schemaVersion = column.schemaVersion
        envelope.contentType = context.envelopes.coder.contentType
        return envelope
    }

    private func replacing(_ delivery: ClaimedDelivery, _ box: EnvelopeBox) -> ClaimedDelivery {
        var replaced = ClaimedDelivery(sequence: delivery.sequence, box: box, history: delivery.history)
        replaced.wasBlocked = delivery.wasBlocked
        return replaced
    }
}

extension Envelope {
    /// The key of the row that the event is made of; `nil` for one that was stored itself.
    var referredKey: Data? {
        guard contentType == StatusColumn.referenceType, case .bytes(let key) = payload else { return nil }
        return key
    }

    /// The same event with a reference as its payload.
    func referring(to key: Data) -> Envelope {
        var envelope = self
        envelope.payload = .bytes(key)
        envelope.contentType = StatusColumn.referenceType
        return envelope
    }
}

extension StoreContext {
    /// Runs `body` in one snapshot, with the rows of the status column where there is one.
    func withRows<R>(_ body: (Transaction, StatusRows?) throws -> R) throws -> R {
        let handle = column.flatMap { handles.snapshot[$0.table] }
        let transaction = try environment.beginRead()
        defer { transaction.abort() }
        let rows = try column.map { try StatusRows(self, $0, transaction, handle: handle) }
        return try body(transaction, rows)
    }
}
#endif

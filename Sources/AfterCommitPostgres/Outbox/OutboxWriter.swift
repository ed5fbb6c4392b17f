#if Postgres
import AfterCommit
import Foundation

/// Stores what is emitted, in whatever transaction the session is in.
struct OutboxWriter {
    let envelopes: EnvelopeFactory

    /// The event that has the emission's deduplication key, or `nil` where it has the key now, or none. Another transaction
    /// that wants the same key is waited for.
    func firstID(for emission: Emission, in session: PostgresSession) throws -> EventID? {
        guard let deduplication = emission.deduplication else { return nil }
        let now = envelopes.wallClock.now()
        let taken = try session.execute(
            OutboxStatement.takeKey,
            [
                .text(deduplication.key), .uuid(emission.envelope.id.uuid),
                .int64(Int64(bitPattern: deduplication.fingerprint)), .timestamp(now),
                .timestamp(now - DeduplicationRecord.window.timeInterval),
            ])
        guard taken.isEmpty else { return nil }
        let row = try session.execute(OutboxStatement.holderOfKey, [.text(deduplication.key)]).first()
        let first = EventID(try row.uuid(0))
        guard UInt64(bitPattern: try row.int64(1)) == deduplication.fingerprint else {
            throw EmitError.deduplicationConflict(key: deduplication.callersKey, firstID: first)
        }
        return first
    }

    /// Makes further ids greater than those that are stored, whatever the clock says.
    func advanceIDs(in session: PostgresSession) throws {
        for row in try session.execute(OutboxStatement.newestIDs) {
            let id = EventID(try row.uuid(0))
            // Others' ids may be of any version, and say nothing of the time.
            if id.isOrderedByTime { envelopes.ids.advance(past: id) }
        }
    }

    /// The statements that store these, without those whose keys are taken.
    func statements(_ emissions: [Emission]) throws -> [PostgresStatement] {
        let now = envelopes.wallClock.now()
        // One whose moment has come already is an event like others.
        let delayed = emissions.filter { $0.deliverAt.map { $0 > now } ?? false }
        let ready = try OutboxRows(
            delayed.isEmpty ? emissions : emissions.filter { $0.deliverAt.map { $0 <= now } ?? true },
            coder: envelopes.coder)
        var statements: [PostgresStatement] = []
        if !ready.isEmpty { statements.append(PostgresStatement(OutboxStatement.insertEvents, ready.parameters)) }
        if !delayed.isEmpty {
            let rows = try OutboxRows(delayed, isDelayed: true, coder: envelopes.coder)
            statements.append(PostgresStatement(OutboxStatement.insertDelayed, rows.parameters))
        }
        return statements
    }
}

extension StorageChange {
    /// What those who deliver must be told of stored emissions.
    init(_ emissions: [Emission]) {
        self = []
        for emission in emissions { formUnion(emission.deliverAt == nil ? .claimable : [.claimable, .delayed]) }
    }
}
#endif

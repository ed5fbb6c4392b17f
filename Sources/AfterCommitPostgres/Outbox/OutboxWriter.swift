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
        let id = emission.envelope.id
        let row = try session.execute(
            OutboxStatement.deduplicate,
            [
                .text(deduplication.key), .uuid(id.uuid), .int64(Int64(bitPattern: deduplication.fingerprint)),
                .timestamp(now), .timestamp(now - DeduplicationRecord.window.timeInterval),
            ]
        ).first()
        let first = EventID(try row.uuid(0))
        guard UInt64(bitPattern: try row.int64(1)) == deduplication.fingerprint else {
            throw EmitError.deduplicationConflict(key: deduplication.callersKey, firstID: first)
        }
        return first == id ? nil : first
    }

    /// The statements that store these, without those whose keys are taken.
    func statements(_ emissions: [Emission]) throws -> [PostgresStatement] {
        let delayed = emissions.filter { $0.deliverAt != nil }
        let ready = try OutboxRows(
            delayed.isEmpty ? emissions : emissions.filter { $0.deliverAt == nil }, coder: envelopes.coder)
        var statements: [PostgresStatement] = []
        if !ready.isEmpty { statements.append(PostgresStatement(OutboxStatement.insertEvents, ready.parameters)) }
        if !delayed.isEmpty {
            let rows = try OutboxRows(delayed, coder: envelopes.coder)
            statements.append(PostgresStatement(OutboxStatement.insertDelayed, rows.parameters))
        }
        return statements
    }
}

extension StorageChange {
    /// What those who deliver must be told of stored emissions.
    init(_ emissions: [Emission]) {
        self = []
        for emission in emissions { insert(emission.deliverAt == nil ? .claimable : .delayed) }
    }
}
#endif

#if Postgres
import AfterCommit
import Foundation

/// Stores what is emitted, in whatever transaction the session is in.
struct OutboxWriter {
    let envelopes: EnvelopeFactory

    /// The event that the emission is already, or `nil` where it is a new one: by its deduplication key, or by an id of the
    /// caller's that somebody has stored otherwise. It has the key afterwards. Another transaction that wants the same key is
    /// waited for.
    /// - Parameter emitted: what the transaction has emitted and not stored yet.
    func firstID(
        for emission: Emission, among emitted: [Emission] = [], in session: PostgresSession
    ) throws -> EventID? {
        guard let deduplication = emission.deduplication else { return nil }
        let id = emission.envelope.id
        let same = emitted.first { $0.envelope.id == id }
        if let same, same.deduplication?.fingerprint != deduplication.fingerprint {
            throw EmitError.deduplicationConflict(key: deduplication.callersKey, firstID: id)
        }
        return try firstID(for: emission, deduplication, in: session) ?? same.map { _ in id }
    }

    private func firstID(
        for emission: Emission, _ deduplication: Emission.Deduplication, in session: PostgresSession
    ) throws -> EventID? {
        let id = emission.envelope.id
        let now = envelopes.wallClock.now()
        let forgotten = PostgresValue.timestamp(now - DeduplicationRecord.window.timeInterval)
        let record: [PostgresValue] = [
            .text(deduplication.key), .uuid(id.uuid), .int64(Int64(bitPattern: deduplication.fingerprint)),
            .timestamp(now), forgotten,
        ]
        guard try session.execute(OutboxStatement.takeKey, record).isEmpty else { return nil }
        let holder = try session.execute(OutboxStatement.holderOfKey, [.text(deduplication.key), forgotten])
        if let row = holder.first {
            let first = EventID(try row.uuid(0))
            guard UInt64(bitPattern: try row.int64(1)) == deduplication.fingerprint else {
                throw EmitError.deduplicationConflict(key: deduplication.callersKey, firstID: first)
            }
            return first
        }
        let row = try OutboxRow(emission.envelope, coder: envelopes.coder)
        let stored = try session.execute(
            OutboxStatement.isStoredEvent,
            [.uuid(id.uuid), .text(row.type), .text(row.payload), .bytes(row.payloadBytes)])
        if let isSame = try stored.first?.bool(0) {
            guard isSame else { throw EmitError.deduplicationConflict(key: deduplication.callersKey, firstID: id) }
            if try !session.execute(OutboxStatement.takeKeyOfStored, record).isEmpty { return id }
        }
        // Meanwhile it was pruned, or another has taken the key.
        return try firstID(for: emission, deduplication, in: session)
    }

    /// See ``PostgresQueue/takeKeys(of:in:)``. Others who want the same keys are waited for.
    func takeKeys(of emissions: [Emission], in session: PostgresSession) throws -> [Bool] {
        var asked: Set<String> = []
        // A statement takes a key once.
        let first = emissions.map { emission in emission.deduplication.map { asked.insert($0.key).inserted } ?? false }
        let keyed = zip(emissions, first).compactMap { emission, isFirst in isFirst ? emission : nil }
        let now = envelopes.wallClock.now()
        let taken = try session.execute(
            OutboxStatement.takeKeys,
            [
                .texts(keyed.map { $0.deduplication?.key }), .uuids(keyed.map(\.envelope.id.uuid)),
                .int64s(keyed.map { Int64(bitPattern: $0.deduplication?.fingerprint ?? 0) }), .timestamp(now),
                .timestamp(now - DeduplicationRecord.window.timeInterval),
            ])
        let ids = Set(try taken.map { EventID(try $0.uuid(0)) })
        return zip(emissions, first).map { emission, isFirst in
            emission.deduplication == nil || isFirst && ids.contains(emission.envelope.id)
        }
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

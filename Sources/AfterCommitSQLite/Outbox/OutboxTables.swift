#if SQLite
import AfterCommit
import Foundation
import GRDB
import Synchronization

/// The outbox: events are inserted into one table, deliveries are rows of another until they are settled.
struct OutboxTables: EventTables {
    let observedTables: Set<String> = ["outbox_events", "outbox_delayed"]
    let rowTable: String? = nil
    let hasRowsMarkedByHand = false
    let fileSuffix = ""
    let payloadForm = EnvelopeFactory.PayloadForm.bytes
    let writesNothingWhenRefused = true
    let migrations = OutboxSchema.migrations

    func migrate(_ database: Database) throws {
        try SQLiteMigration.run(migrations, series: OutboxSchema.series, in: database)
    }

    // MARK: Storing

    func check(_ options: EmitOptions) throws {}
    func checkContextEmits() throws {}
    func adopt(_ group: WriteGroup) throws {}

    func store(_ emission: Emission, _ group: WriteGroup) throws -> EventID {
        if let first = try knownID(of: emission, group) { return first }
        try insert(emission, group)
        return emission.envelope.id
    }

    func storeOnce(_ emission: Emission, _ group: WriteGroup, checkRoom: () throws -> Void) throws -> Bool {
        guard try knownID(of: emission, group) == nil else { return false }
        try checkRoom()
        try insert(emission, group)
        return true
    }

    /// The id of the event that it is already; `nil` for a new one.
    private func knownID(of emission: Emission, _ group: WriteGroup) throws -> EventID? {
        guard let key = emission.deduplication else { return nil }
        return try firstID(for: key, group) ?? storedID(of: emission, key, group)
    }

    private func insert(_ emission: Emission, _ group: WriteGroup) throws {
        if let key = emission.deduplication { try remember(key, emission.envelope.id, group) }
        if let deliverAt = emission.deliverAt, deliverAt > group.now {
            try EventInsertion(into: .delayed, group).run(emission.envelope, deliverAt: deliverAt)
            group.noteDelayed()
        } else {
            try group.eventInsertion().run(emission.envelope)
            group.change.insert(.claimable)
        }
    }

    func countEvents(_ database: Database) throws -> EventCount? {
        let events = try PreparedStatement(
            database, "SELECT (SELECT count(*) FROM outbox_events) + (SELECT count(*) FROM outbox_delayed)"
        ).first { $0.integer(0) }
        return EventCount(events: Int(events ?? 0), lastSequence: try lastSequence(database))
    }

    func lastSequence(_ database: Database) throws -> UInt64 {
        try PreparedStatement(database, "SELECT seq FROM sqlite_sequence WHERE name = 'outbox_events'")
            .first { $0.sequence(0) } ?? 0
    }

    func newestID(_ database: Database) throws -> EventID? {
        var newest: EventID?
        // Ids that others made may be of another version, which says nothing of time.
        try PreparedStatement(database, "SELECT id FROM outbox_events ORDER BY sequence DESC LIMIT 100").eachRow {
            guard let id = $0.eventID(0), id.isOrderedByTime else { return }
            newest = max(newest ?? id, id)
        }
        return newest
    }

    // MARK: Deduplication

    /// The id of the event that the key stands for.
    private func firstID(for key: Emission.Deduplication, _ group: WriteGroup) throws -> EventID? {
        let statement = try PreparedStatement(
            group.database, "SELECT id, fingerprint, emittedat FROM outbox_keys WHERE key = ?1")
        try statement.bind(key.key, at: 1)
        let record = try statement.first { columns -> DeduplicationRecord? in
            guard let id = columns.eventID(0), let date = columns.date(2) else { return nil }
            return DeduplicationRecord(
                id: id, fingerprint: UInt64(bitPattern: columns.integer(1)), emittedAt: date)
        }
        return try record??.firstID(for: key, now: group.now)
    }

    /// The event's own id, where it is stored already without this key: somebody inserted it, or the key was forgotten.
    private func storedID(
        of emission: Emission, _ key: Emission.Deduplication, _ group: WriteGroup
    ) throws -> EventID? {
        let columns = "type, coalesce(payload, payloadbytes)"
        let statement = try PreparedStatement(
            group.database,
            """
            SELECT \(columns) FROM outbox_events WHERE id = ?1
            UNION ALL SELECT \(columns) FROM outbox_delayed WHERE id = ?1
            """)
        try statement.bind(emission.envelope.id.description, at: 1)
        let stored = try statement.first { row in
            Emission.Deduplication.fingerprint(type: EventType(rawValue: row.text(0) ?? ""), payload: row.bytes(1))
        }
        guard let stored else { return nil }
        guard stored == key.fingerprint else {
            throw EmitError.deduplicationConflict(key: key.callersKey, firstID: emission.envelope.id)
        }
        return emission.envelope.id
    }

    private func remember(_ key: Emission.Deduplication, _ id: EventID, _ group: WriteGroup) throws {
        // A few at a time, so that no emit pays for many.
        let forget = try PreparedStatement(
            group.database,
            "DELETE FROM outbox_keys WHERE key IN (SELECT key FROM outbox_keys WHERE emittedat <= ?1 ORDER BY emittedat LIMIT 4)"
        )
        try forget.bind(group.now - DeduplicationRecord.window.timeInterval, at: 1)
        try forget.execute()
        let statement = try PreparedStatement(
            group.database,
            "INSERT OR REPLACE INTO outbox_keys (key, id, fingerprint, emittedat) VALUES (?1, ?2, ?3, ?4)")
        try statement.bind(key.key, at: 1)
        try statement.bind(id.description, at: 2)
        try statement.bind(Int64(bitPattern: key.fingerprint), at: 3)
        try statement.bind(group.now, at: 4)
        try statement.execute()
    }

    // MARK: Subscriptions

    /// The number of a subscription; `nil` for one that has no place.
    func number(of subscription: String, _ database: Database) throws -> Int64? {
        let statement = try PreparedStatement(database, "SELECT id FROM outbox_subscriptions WHERE name = ?1")
        try statement.bind(subscription, at: 1)
        return try statement.first { $0.integer(0) }
    }

    func subscriptionNames(_ database: Database) throws -> [String] {
        var names: [String] = []
        try PreparedStatement(database, "SELECT name FROM outbox_subscriptions")
            .eachRow { names.append($0.text(0) ?? "") }
        return names.sorted()
    }
}
#endif

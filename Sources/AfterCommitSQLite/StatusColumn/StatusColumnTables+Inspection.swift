#if SQLite
import AfterCommit
import Foundation
import GRDB

/// What is in it, for those who look.
extension StatusColumnTables {
    func counts(_ subscription: String, _ database: Database) throws -> DeliveryCounts {
        guard try subscriptionNames(database).contains(subscription) else { return DeliveryCounts() }
        var counts = try exceptionCounts(database)
        counts.pending = try count(
            "event_status = 'pending' AND event_due IS NULL AND event_key IS NULL", database)
        if counts.pending > 0 { counts.oldestPending = try oldestPending(database) }
        return counts
    }

    func backlog(_ subscription: String, claims: RowClaims?, _ database: Database) throws -> BacklogEstimate {
        let last = try lastSequence(database)
        guard let claims else { return BacklogEstimate(try counts(subscription, database), appended: last) }
        var counts = try exceptionCounts(database)
        counts.pending =
            claims.claimedNewCount + claims.released.count
            + Int(last > claims.handedOut ? last - claims.handedOut : 0)
        if counts.pending > 0 { counts.oldestPending = try oldestPending(database) }
        return BacklogEstimate(counts, appended: last)
    }

    private func exceptionCounts(_ database: Database) throws -> DeliveryCounts {
        DeliveryCounts(
            retrying: try count(Self.isRetrying, database),
            blocked: try count(Self.isBlocked, database),
            parked: try count(Self.isParked, database),
            deadLettered: try count(Self.dead, database))
    }

    private func count(_ condition: String, _ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM \(column.name) WHERE \(condition)") ?? 0
    }

    private func oldestPending(_ database: Database) throws -> Date? {
        var oldest: Date?
        try scan("event_status = 'pending' AND event_due IS NULL AND event_key IS NULL", in: database) { row in
            oldest = row.envelope.time
            return false
        }
        return oldest
    }

    func deliveries(_ query: DeliveryQuery, _ database: Database) throws -> [DeliveryRecord] {
        guard query.limit > 0, let name = try subscriptionNames(database).first,
            query.subscription ?? name == name
        else { return [] }
        let condition =
            switch query.state {
            case .delivered: "event_status = 'succeeded'"
            case .deadLettered: Self.dead
            case nil: "event_status IS NOT NULL"
            default: "event_status = 'pending'"
            }
        var records: [DeliveryRecord] = []
        try scan(
            "\(condition) AND event_sequence > ?", in: database, [Int64(clamping: query.after ?? 0)]
        ) { row in
            if query.state == nil || query.state == row.state, query.matches(row.envelope) {
                records.append(
                    DeliveryRecord(
                        id: DeliveryID(subscription: name, sequence: row.sequence), envelope: row.envelope,
                        state: row.state, due: row.due, history: row.history ?? DeliveryHistory()))
            }
            return records.count < query.limit
        }
        return records
    }

    func deadLetters(_ query: DeadLetterQuery, _ database: Database) throws -> [DeadLetter] {
        guard query.limit > 0, let name = try subscriptionNames(database).first else { return [] }
        var letters: [DeadLetter] = []
        try scan(Self.dead, in: database) { row in
            let id = DeliveryID(subscription: name, sequence: row.sequence)
            if let after = query.after, (after.sequence, after.subscription) >= (id.sequence, id.subscription) {
                return true
            }
            let letter = (row.detail?.delivery ?? DeliveryDetail()).deadLetter(id, row.envelope)
            if query.matches(letter) { letters.append(letter) }
            return letters.count < query.limit
        }
        return letters
    }

    // MARK: What there is none of

    func publishDelayed(dueBy now: Date, limit: Int, _ group: WriteGroup) throws {}
    func nextDelayed(_ database: Database) throws -> Date? { nil }
    func delayedEvents(
        after position: DelayedEvent.Position?, limit: Int, _ database: Database
    ) throws -> [DelayedEvent] { [] }
    func cancelDelayed(_ ids: [EventID], _ group: WriteGroup) throws -> [EventID] { [] }
    func prune(after: UInt64, before date: Date?, limit: Int, _ database: Database) throws -> Pruned { Pruned() }
    func cutOrphans(except names: [String], _ database: Database) throws -> [String: Int] { [:] }
}
#endif

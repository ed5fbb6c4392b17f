#if SQLite
import AfterCommit
import Foundation
import GRDB

extension StatusColumnTables {
    // MARK: Places

    func register(_ registrations: [SubscriptionRegistration], _ group: WriteGroup) throws -> [SubscriptionPlace] {
        guard let registration = registrations.first else { return [] }
        guard registrations.count == 1 else { throw StorageError.needsOutbox("a second subscription") }
        guard registration.types == EventTypeSelection(types: [column.type]) else {
            throw StorageError.needsOutbox("a subscription to other types than \(column.type)")
        }
        let database = group.database
        let note = try PreparedStatement(database, "UPDATE aftercommit_columns SET subscription = ?2 WHERE name = ?1")
        try note.bind(column.table, at: 1)
        try note.bind(registration.name, at: 2)
        try note.execute()
        try adopt(group)
        if registration.retriesParked {
            try database.execute(
                sql: "UPDATE \(column.name) SET event_due = ? WHERE \(Self.isParked)",
                arguments: [group.now.timeIntervalSince1970])
        }
        return [SubscriptionPlace(orderedKeys: try orderedKeys(database))]
    }

    private func orderedKeys(_ database: Database) throws -> [SubscriptionPlace.OrderedKey] {
        var keys: [String: SubscriptionPlace.OrderedKey] = [:]
        func note(_ row: StatusRow) {
            guard let key = row.detail?.orderingKey else { return }
            var place = keys[key] ?? .init(key: key)
            switch row.state {
            case .retrying, .parked: place.retrying = min(place.retrying ?? row.sequence, row.sequence)
            case .blocked:
                place.blocked += 1
                place.firstBlocked = min(place.firstBlocked ?? row.sequence, row.sequence)
            case .deadLettered where row.detail?.delivery?.blocksKey == true:
                place.dead = min(place.dead ?? row.sequence, row.sequence)
            case .deadLettered, .delivered, .pending: return
            }
            keys[key] = place
        }
        for condition in [Self.isDue, Self.isBlocked, Self.dead] {
            try scan(condition, in: database) { row in
                note(row)
                return true
            }
        }
        return Array(keys.values)
    }

    func subscriptionNames(_ database: Database) throws -> [String] {
        let statement = try PreparedStatement(database, "SELECT subscription FROM aftercommit_columns WHERE name = ?1")
        try statement.bind(column.table, at: 1)
        return [try statement.first { $0.text(0) } ?? nil].compactMap { $0 }
    }

    private func has(_ subscription: String, _ database: Database) throws -> Bool {
        try subscriptionNames(database).contains(subscription)
    }

    // MARK: Claiming

    func find(_ request: RowRequest, _ database: Database) throws -> RowsFound {
        var found = RowsFound()
        let claims = request.claims
        found.reached = claims.handedOut
        if request.includesNew {
            for sequence in claims.released.prefix(request.limit - request.limit / 2) {
                if let row = try row(sequence, database), row.state == .pending {
                    found.new.append(row.claimed)
                } else {
                    found.gone.append(sequence)
                }
            }
            let limit = request.limit - found.new.count
            var count = 0
            var isAll = true
            try scan(
                "event_status = 'pending' AND event_sequence > ?", in: database, [Int64(clamping: claims.handedOut)]
            ) { row in
                guard row.state == .pending, !claims.isClaimed(row.sequence) else { return true }
                guard count < limit else {
                    isAll = false
                    return false
                }
                found.new.append(row.claimed)
                found.reached = max(found.reached, row.sequence)
                count += 1
                return true
            }
            found.hasMore = !isAll
            if isAll { found.reached = max(found.reached, try lastSequence(database)) }
        } else {
            found.hasMore = try !claims.released.isEmpty || hasPending(after: claims.handedOut, database)
        }
        try findDue(request, database, &found)
        let surplus = found.due.count + found.new.count - request.limit
        if surplus > 0 {
            found.new.removeLast(surplus)
            found.hasMore = true
            found.reached = max(claims.handedOut, found.new.last?.sequence ?? 0)
        }
        return found
    }

    private func findDue(_ request: RowRequest, _ database: Database, _ found: inout RowsFound) throws {
        let limit = found.new.isEmpty ? request.limit : max(1, request.limit / 2)
        let now = request.now.timeIntervalSince1970
        try scan(Self.isRetrying, order: "event_due, event_sequence", in: database) {
            row in
            guard !request.claims.isClaimed(row.sequence), let due = row.due else { return true }
            guard due.timeIntervalSince1970 <= now, found.due.count < limit else {
                found.nextDue = due
                return false
            }
            found.due.append(row.claimed)
            return true
        }
    }

    private func hasPending(after sequence: UInt64, _ database: Database) throws -> Bool {
        try Bool.fetchOne(
            database,
            sql: """
                SELECT 1 FROM \(column.name) WHERE event_status = 'pending' AND event_sequence > ?
                    AND event_due IS NULL AND event_key IS NULL LIMIT 1
                """, arguments: [Int64(clamping: sequence)]) ?? false
    }

    func blocked(
        _ subscription: String, keys: Set<String>, claims: RowClaims, limit: Int, _ database: Database
    ) throws -> [String: [ClaimedDelivery]] {
        var blocked: [String: [ClaimedDelivery]] = [:]
        for key in keys {
            var deliveries: [ClaimedDelivery] = []
            try scan("\(Self.isBlocked) AND event_key = ?", in: database, [key]) { row in
                guard deliveries.count < limit else { return false }
                if !claims.isClaimed(row.sequence) { deliveries.append(row.claimed) }
                return true
            }
            blocked[key] = deliveries
        }
        return blocked
    }

    func rows(_ sequences: [UInt64], subscription: String, _ database: Database) throws -> [RowRead] {
        try sequences.compactMap { sequence in
            guard let row = try row(sequence, database), row.state != .deadLettered else { return nil }
            return RowRead(delivery: row.claimed, isNew: row.state == .pending)
        }
    }

    func state(of delivery: DeliveryID, _ database: Database) throws -> DeliveryState? {
        try row(delivery.sequence, database)?.state
    }

    // MARK: Settling

    func settle(_ batch: SettlementBatch, _ group: WriteGroup) throws -> SettlementReport {
        let database = group.database
        guard try has(batch.subscription, database) else { return SettlementReport() }
        var report = SettlementReport()
        let succeed = try database.cachedStatement(
            sql: """
                UPDATE \(column.name) SET event_status = 'succeeded', event_due = NULL, event_key = NULL, event_error = NULL
                WHERE event_sequence = ? AND event_status = 'pending'
                """)
        for sequence in batch.delivered {
            try succeed.execute(arguments: [Int64(clamping: sequence)])
            if database.changesCount == 0 { report.stale.append(sequence) }
        }
        for settlement in batch.exceptions where try !record(settlement, database) {
            report.stale.append(settlement.delivery.sequence)
        }
        // They were refused when they were emitted.
        report.refusedEmissions = batch.emissions(without: report.stale).map { $0.deduplication?.key ?? "" }
        return report
    }

    private func record(_ settlement: Settlement, _ database: Database) throws -> Bool {
        let sequence = settlement.delivery.sequence
        guard let row = try row(sequence, database), row.state != .deadLettered else { return false }
        var detail = row.detail ?? StatusDetail(settlement.delivery.envelope)
        detail.delivery = DeliveryDetail(settlement)
        var due: Double?
        var key: String?
        var status = "pending"
        switch settlement.outcome {
        case .retrying(let date, _): due = date.timeIntervalSince1970
        case .blocked: key = settlement.delivery.envelope.orderingKey
        case .parked: due = .infinity
        case .deadLettered: status = "failed"
        }
        let history = detail.delivery?.history
        try write(
            sequence, status: status, due: due, key: key, attempts: history?.attempts ?? 0,
            error: history?.failures.last?.message, detail, database)
        return true
    }

    private func write(
        _ sequence: UInt64, status: String, due: Double?, key: String?, attempts: Int, error: String?,
        _ detail: StatusDetail, _ database: Database
    ) throws {
        let statement = try database.cachedStatement(
            sql: """
                UPDATE \(column.name) SET event_status = ?, event_due = ?, event_key = ?, event_attempts = ?, event_error = ?,
                    event_detail = ? WHERE event_sequence = ? AND event_status IN ('pending', 'failed')
                """)
        try statement.execute(
            arguments: [status, due, key, attempts, error, try detail.encoded(), Int64(clamping: sequence)])
    }

    // MARK: Dead letters

    /// A row stays failed when its dead letter is deleted, and has no place any more.
    static let dead = "event_status = 'failed' AND event_sequence IS NOT NULL"

    func redrive(_ ids: [DeliveryID], _ group: WriteGroup) throws -> [DeliveryID] {
        try ids.filter { id in
            guard try has(id.subscription, group.database), let row = try row(id.sequence, group.database),
                row.state == .deadLettered
            else { return false }
            var detail = row.detail ?? StatusDetail(row.envelope)
            detail.delivery = DeliveryDetail(history: (row.history ?? DeliveryHistory()).redriven)
            try write(
                id.sequence, status: "pending", due: group.now.timeIntervalSince1970, key: nil, attempts: 0, error: nil,
                detail, group.database)
            return true
        }
    }

    func deleteDeadLetters(_ ids: [DeliveryID], _ group: WriteGroup) throws -> [DeliveryID] {
        try ids.filter { id in
            guard try has(id.subscription, group.database) else { return false }
            try group.database.execute(
                sql: """
                    UPDATE \(column.name) SET event_sequence = NULL WHERE event_sequence = ? AND event_status = 'failed'
                    """, arguments: [Int64(clamping: id.sequence)])
            return group.database.changesCount > 0
        }
    }

    /// Pending rows stay so, as never tried, for the next subscription; failed ones have no dead letter any more.
    func remove(_ subscription: String, _ group: WriteGroup) throws -> DeliveryCounts? {
        let database = group.database
        guard try has(subscription, database) else { return nil }
        let counts = try counts(subscription, database)
        try database.execute(
            sql: """
                UPDATE \(column.name) SET event_due = NULL, event_key = NULL, event_attempts = 0, event_error = NULL,
                    event_detail = CASE WHEN json_valid(event_detail) THEN json_remove(event_detail, '$.delivery')
                        ELSE event_detail END
                WHERE event_status = 'pending'
                    AND (event_due IS NOT NULL OR event_key IS NOT NULL OR event_attempts > 0)
                """)
        try database.execute(
            sql: "UPDATE \(column.name) SET event_sequence = NULL WHERE event_status = 'failed'")
        let note = try PreparedStatement(database, "UPDATE aftercommit_columns SET subscription = NULL WHERE name = ?1")
        try note.bind(column.table, at: 1)
        try note.execute()
        return counts
    }
}
#endif

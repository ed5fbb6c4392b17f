#if SQLite
import AfterCommit
import Foundation
import GRDB

/// Reading what may be handed out. Nothing is written.
extension OutboxTables {
    /// A delivery with its event, which begins at column 4.
    static let delivery = """
        SELECT d.sequence, d.state, d.due, d.detail, \(EventColumns.list)
        FROM outbox_deliveries AS d LEFT JOIN outbox_events AS e ON e.sequence = d.sequence
        """

    func find(_ request: RowRequest, _ database: Database) throws -> RowsFound {
        var found = RowsFound()
        found.reached = request.claims.handedOut
        guard let number = try number(of: request.subscription, database) else { return found }
        // New ones first: of what is due no more than half is handed out while there are some.
        let newLimit = request.limit - request.limit / 2
        if request.includesNew {
            try findReleased(request, number, database, limit: newLimit, &found)
            try findNew(request, number, database, limit: request.limit - found.new.count, &found)
        } else {
            found.hasMore =
                try !request.claims.released.isEmpty || hasPending(number, after: request.claims.handedOut, database)
        }
        let dueLimit = found.new.isEmpty ? request.limit : max(1, request.limit / 2)
        try findDue(request, number, database, limit: dueLimit, &found)
        // Those that came after them in the sequence are found again.
        let surplus = found.due.count + found.new.count - request.limit
        if surplus > 0 {
            found.new.removeLast(surplus)
            found.hasMore = true
            found.reached = max(request.claims.handedOut, found.new.last?.sequence ?? 0)
        }
        return found
    }

    private func findReleased(
        _ request: RowRequest, _ number: Int64, _ database: Database, limit: Int, _ found: inout RowsFound
    ) throws {
        for sequence in request.claims.released.prefix(limit) {
            if let row = try row(sequence, number, database), row.isNew {
                found.new.append(row.delivery)
            } else {
                found.gone.append(sequence)
            }
        }
    }

    private func findNew(
        _ request: RowRequest, _ number: Int64, _ database: Database, limit: Int, _ found: inout RowsFound
    ) throws {
        let statement = try PreparedStatement(
            database,
            "\(Self.delivery) WHERE d.subscription = ?1 AND d.sequence > ?2 AND d.state = 'pending' ORDER BY d.sequence"
        )
        try statement.bind(number, at: 1)
        try statement.bind(request.claims.handedOut, at: 2)
        var count = 0
        var isAll = true
        try statement.prefix { columns in
            let sequence = columns.sequence(0)
            // One that was handed out before its turn.
            guard !request.claims.isClaimed(sequence) else { return true }
            guard count < limit else {
                isAll = false
                return false
            }
            found.new.append(delivery(columns))
            found.reached = max(found.reached, sequence)
            count += 1
            return true
        }
        found.hasMore = !isAll
        if isAll { found.reached = max(found.reached, try lastSequence(database)) }
    }

    private func findDue(
        _ request: RowRequest, _ number: Int64, _ database: Database, limit: Int, _ found: inout RowsFound
    ) throws {
        let statement = try PreparedStatement(
            database, "\(Self.delivery) WHERE d.subscription = ?1 AND d.due IS NOT NULL ORDER BY d.due, d.sequence")
        try statement.bind(number, at: 1)
        let now = request.now.timeIntervalSince1970
        try statement.prefix { columns in
            guard !request.claims.isClaimed(columns.sequence(0)) else { return true }
            guard columns.double(2) <= now, found.due.count < limit else {
                found.nextDue = columns.date(2)
                return false
            }
            found.due.append(delivery(columns))
            return true
        }
    }

    func blocked(
        _ subscription: String, keys: Set<String>, claims: RowClaims, limit: Int, _ database: Database
    ) throws -> [String: [ClaimedDelivery]] {
        guard let number = try number(of: subscription, database) else { return [:] }
        var blocked: [String: [ClaimedDelivery]] = [:]
        for key in keys {
            let statement = try PreparedStatement(
                database,
                """
                \(Self.delivery) WHERE d.subscription = ?1 AND d.state = 'blocked' AND d.orderingkey = ?2
                AND d.state <> 'pending' ORDER BY d.sequence
                """)
            try statement.bind(number, at: 1)
            try statement.bind(key, at: 2)
            var deliveries: [ClaimedDelivery] = []
            try statement.prefix { columns in
                guard deliveries.count < limit else { return false }
                if !claims.isClaimed(columns.sequence(0)) { deliveries.append(delivery(columns)) }
                return true
            }
            blocked[key] = deliveries
        }
        return blocked
    }

    func rows(_ sequences: [UInt64], subscription: String, _ database: Database) throws -> [RowRead] {
        guard let number = try number(of: subscription, database) else { return [] }
        return try sequences.compactMap { try row($0, number, database) }
    }

    private func row(_ sequence: UInt64, _ number: Int64, _ database: Database) throws -> RowRead? {
        let statement = try PreparedStatement(
            database, "\(Self.delivery) WHERE d.subscription = ?1 AND d.sequence = ?2")
        try statement.bind(number, at: 1)
        try statement.bind(sequence, at: 2)
        return try statement.first { columns -> RowRead? in
            let state = columns.text(1).flatMap { RowState(rawValue: $0) }
            guard state != .dead else { return nil }
            var delivery = delivery(columns)
            delivery.wasBlocked = state == .blocked
            return RowRead(delivery: delivery, isNew: state == .pending)
        } ?? nil
    }

    /// A row that cannot be read is handed out as damaged, so that it becomes a dead letter and the others go on.
    private func delivery(_ columns: SQLColumns) -> ClaimedDelivery {
        let sequence = columns.sequence(0)
        let (envelope, isWhole) = EventColumns.envelope(columns, at: 4, sequence: sequence)
        let (detail, isReadable) = Self.detail(columns, at: 3)
        var delivery = ClaimedDelivery(sequence: sequence, envelope: envelope, history: detail.history)
        delivery.isDamaged = !isWhole || !isReadable
        return delivery
    }

    /// What is kept of a delivery, and whether it could be read.
    static func detail(_ columns: SQLColumns, at column: Int32) -> (detail: DeliveryDetail, isReadable: Bool) {
        guard !columns.isNull(column) else { return (DeliveryDetail(), true) }
        guard let detail = try? DeliveryDetail(decoding: columns.bytes(column)) else {
            return (DeliveryDetail(), false)
        }
        return (detail, true)
    }
}
#endif

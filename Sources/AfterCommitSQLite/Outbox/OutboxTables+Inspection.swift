#if SQLite
import AfterCommit
import Foundation
import GRDB

/// What is in it, for those who look.
extension OutboxTables {
    func counts(_ subscription: String, _ database: Database) throws -> DeliveryCounts {
        guard let number = try number(of: subscription, database) else { return DeliveryCounts() }
        var counts = try exceptionCounts(number, database)
        let pending = try PreparedStatement(
            database, "SELECT count(*) FROM outbox_deliveries WHERE subscription = ?1 AND state = 'pending'")
        try pending.bind(number, at: 1)
        counts.pending = Int(try pending.first { $0.integer(0) } ?? 0)
        if counts.pending > 0 { counts.oldestPending = try oldestPending(number, after: 0, database) }
        return counts
    }

    /// From the last sequence and what is in hand, without counting the rows between.
    func backlog(
        _ subscription: String, claims: RowClaims?, _ database: Database
    ) throws -> BacklogEstimate {
        let last = try lastSequence(database)
        guard let number = try number(of: subscription, database) else {
            return BacklogEstimate(DeliveryCounts(), appended: last)
        }
        guard let claims else { return BacklogEstimate(try counts(subscription, database), appended: last) }
        var counts = try exceptionCounts(number, database)
        counts.pending = claims.claimedNewCount + claims.released.count
        if try hasPending(number, after: claims.handedOut, database) {
            counts.pending += Int(last > claims.handedOut ? last - claims.handedOut : 0)
        }
        if counts.pending > 0 { counts.oldestPending = try oldestPending(number, after: 0, database) }
        return BacklogEstimate(counts, appended: last)
    }

    private func exceptionCounts(_ number: Int64, _ database: Database) throws -> DeliveryCounts {
        let statement = try PreparedStatement(
            database,
            """
            SELECT state, count(*) FROM outbox_deliveries
            WHERE subscription = ?1 AND state <> 'pending' GROUP BY state
            """)
        try statement.bind(number, at: 1)
        var counts = DeliveryCounts()
        try statement.eachRow { columns in
            let count = Int(columns.integer(1))
            switch columns.text(0).flatMap({ RowState(rawValue: $0) }) {
            case .retrying: counts.retrying = count
            case .blocked: counts.blocked = count
            case .parked: counts.parked = count
            case .dead: counts.deadLettered = count
            case .pending, nil: break
            }
        }
        return counts
    }

    func hasPending(_ number: Int64, after: UInt64, _ database: Database) throws -> Bool {
        let statement = try PreparedStatement(
            database,
            """
            SELECT 1 FROM outbox_deliveries WHERE subscription = ?1 AND sequence > ?2 AND state = 'pending'
            ORDER BY sequence LIMIT 1
            """)
        try statement.bind(number, at: 1)
        try statement.bind(after, at: 2)
        return try statement.first { _ in true } ?? false
    }

    private func oldestPending(_ number: Int64, after: UInt64, _ database: Database) throws -> Date? {
        let statement = try PreparedStatement(
            database,
            """
            SELECT e.time FROM outbox_deliveries AS d JOIN outbox_events AS e ON e.sequence = d.sequence
            WHERE d.subscription = ?1 AND d.sequence > ?2 AND d.state = 'pending' ORDER BY d.sequence LIMIT 1
            """)
        try statement.bind(number, at: 1)
        try statement.bind(after, at: 2)
        return try statement.first { columns in columns.text(0).flatMap { OutboxText.time(of: $0) } } ?? nil
    }

    // MARK: Dead letters

    func deadLetters(_ query: DeadLetterQuery, _ database: Database) throws -> [DeadLetter] {
        guard query.limit > 0 else { return [] }
        let statement = try PreparedStatement(
            database,
            """
            SELECT d.sequence, s.name, d.detail, 0, \(EventColumns.list) FROM outbox_deliveries AS d
            JOIN outbox_subscriptions AS s ON s.id = d.subscription
            LEFT JOIN outbox_events AS e ON e.sequence = d.sequence
            WHERE d.state = 'dead' AND d.state <> 'pending' AND (?1 IS NULL OR s.name = ?1)
                AND (?2 IS NULL OR d.sequence > ?2 OR (d.sequence = ?2 AND s.name > ?3))
            ORDER BY d.sequence, s.name
            """)
        try statement.bind(query.subscription, at: 1)
        if let after = query.after {
            try statement.bind(after.sequence, at: 2)
            try statement.bind(after.subscription, at: 3)
        }
        var letters: [DeadLetter] = []
        try statement.prefix { columns in
            let id = DeliveryID(subscription: columns.text(1) ?? "", sequence: columns.sequence(0))
            let (envelope, _) = EventColumns.envelope(columns, at: 4, sequence: id.sequence)
            let letter = Self.detail(columns, at: 2).detail.deadLetter(id, envelope)
            if query.matches(letter) { letters.append(letter) }
            return letters.count < query.limit
        }
        return letters
    }
}
#endif

#if SQLite
import AfterCommit
import Foundation
import GRDB

/// Listing deliveries in commit order.
extension OutboxTables {
    /// A subscription that is listed.
    private struct Listed {
        let number: Int64
        let name: String
        let start: UInt64
        let types: EventTypeSelection
    }

    func deliveries(_ query: DeliveryQuery, _ database: Database) throws -> [DeliveryRecord] {
        let listed = try subscriptions(query.subscription, database)
        guard !listed.isEmpty, query.limit > 0 else { return [] }
        // Only what is delivered has no row of its own.
        if let state = query.state, state != .delivered {
            return try stored(query, state, listed, database)
        }
        return try all(query, listed, database)
    }

    private func subscriptions(_ name: String?, _ database: Database) throws -> [Listed] {
        let statement = try PreparedStatement(
            database,
            "SELECT id, name, startedat FROM outbox_subscriptions WHERE ?1 IS NULL OR name = ?1 ORDER BY name")
        try statement.bind(name, at: 1)
        var found: [(Int64, String, UInt64)] = []
        try statement.eachRow { found.append(($0.integer(0), $0.text(1) ?? "", $0.sequence(2))) }
        return try found.map { number, name, start in
            Listed(number: number, name: name, start: start, types: try types(number, database))
        }
    }

    /// Those that have rows in one state: each subscription's in their order, put together.
    private func stored(
        _ query: DeliveryQuery, _ state: DeliveryState, _ listed: [Listed], _ database: Database
    ) throws -> [DeliveryRecord] {
        var records: [DeliveryRecord] = []
        for subscription in listed {
            var count = 0
            let statement = try PreparedStatement(
                database,
                """
                \(Self.delivery) WHERE d.subscription = ?1 AND d.sequence > ?2 AND d.state = ?3 ORDER BY d.sequence
                """)
            try statement.bind(subscription.number, at: 1)
            try statement.bind(query.after ?? 0, at: 2)
            try statement.bind(RowState(state).rawValue, at: 3)
            try statement.prefix { columns in
                let record = record(columns, subscription.name)
                if query.matches(record.envelope) {
                    records.append(record)
                    count += 1
                }
                return count < query.limit
            }
        }
        records.sort { ($0.id.sequence, $0.id.subscription) < ($1.id.sequence, $1.id.subscription) }
        guard records.count > query.limit else { return records }
        // An event's deliveries are not split.
        let last = records[query.limit - 1].id.sequence
        return Array(records.prefix { $0.id.sequence <= last })
    }

    /// All, in the order of their events, those that are delivered included.
    private func all(
        _ query: DeliveryQuery, _ listed: [Listed], _ database: Database
    ) throws -> [DeliveryRecord] {
        let statement = try PreparedStatement(
            database,
            """
            SELECT e.sequence, 0, 0, 0, \(EventColumns.list) FROM outbox_events AS e WHERE e.sequence > ?1
            AND (?2 IS NULL OR e.type = ?2) AND (?3 IS NULL OR e.orderingkey = ?3) AND (?4 IS NULL OR e.id = ?4)
            ORDER BY e.sequence
            """)
        try statement.bind(query.after ?? 0, at: 1)
        try statement.bind(query.type?.rawValue, at: 2)
        try statement.bind(query.orderingKey, at: 3)
        try statement.bind(query.eventID?.description, at: 4)
        var records: [DeliveryRecord] = []
        try statement.prefix { columns in
            let sequence = columns.sequence(0)
            let (envelope, _) = EventColumns.envelope(columns, at: 4, sequence: sequence)
            for subscription in listed {
                let id = DeliveryID(subscription: subscription.name, sequence: sequence)
                if let record = try record(id, subscription.number, envelope, database) {
                    if query.state == nil { records.append(record) }
                } else if sequence >= subscription.start, subscription.types.contains(envelope.type) {
                    records.append(DeliveryRecord(id: id, envelope: envelope, state: .delivered))
                }
            }
            return records.count < query.limit
        }
        return records
    }

    private func record(
        _ id: DeliveryID, _ number: Int64, _ envelope: Envelope, _ database: Database
    ) throws -> DeliveryRecord? {
        let statement = try PreparedStatement(
            database,
            "SELECT state, due, detail FROM outbox_deliveries WHERE subscription = ?1 AND sequence = ?2")
        try statement.bind(number, at: 1)
        try statement.bind(id.sequence, at: 2)
        return try statement.first { columns in
            DeliveryRecord(
                id: id, envelope: envelope,
                state: (columns.text(0).flatMap { RowState(rawValue: $0) } ?? .pending).deliveryState,
                due: columns.date(1), history: Self.detail(columns, at: 2).detail.history ?? DeliveryHistory())
        }
    }

    private func record(_ columns: SQLColumns, _ subscription: String) -> DeliveryRecord {
        let sequence = columns.sequence(0)
        return DeliveryRecord(
            id: DeliveryID(subscription: subscription, sequence: sequence),
            envelope: EventColumns.envelope(columns, at: 4, sequence: sequence).envelope,
            state: (columns.text(1).flatMap { RowState(rawValue: $0) } ?? .pending).deliveryState,
            due: columns.date(2), history: Self.detail(columns, at: 3).detail.history ?? DeliveryHistory())
    }
}

extension RowState {
    /// - Parameter state: one that has rows; what is delivered has none.
    init(_ state: DeliveryState) {
        self =
            switch state {
            case .pending, .delivered: .pending
            case .retrying: .retrying
            case .blocked: .blocked
            case .parked: .parked
            case .deadLettered: .dead
            }
    }
}
#endif

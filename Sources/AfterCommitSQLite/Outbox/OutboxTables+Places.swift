#if SQLite
import AfterCommit
import Foundation
import GRDB

/// The places of subscriptions.
extension OutboxTables {
    func register(
        _ registrations: [SubscriptionRegistration], _ group: WriteGroup
    ) throws -> [SubscriptionPlace] {
        try registrations.map { registration in
            let number = try place(of: registration, group)
            if registration.retriesParked { try unpark(number, due: group.now, group.database) }
            return SubscriptionPlace(orderedKeys: try orderedKeys(number, group.database))
        }
    }

    private func place(of registration: SubscriptionRegistration, _ group: WriteGroup) throws -> Int64 {
        let database = group.database
        if let number = try number(of: registration.name, database) {
            if try patterns(number, database) != registration.types.patterns {
                try setPatterns(registration.types, number, database)
                try forgetOthers(number, database)
            }
            return number
        }
        let statement = try PreparedStatement(
            database, "INSERT INTO outbox_subscriptions (name, startedat) VALUES (?1, ?2)")
        try statement.bind(registration.name, at: 1)
        let isFromBeginning = registration.start == .beginning
        try statement.bind(isFromBeginning ? 0 : try lastSequence(database) + 1, at: 2)
        try statement.execute()
        let number = statement.lastInsertedRow
        try setPatterns(registration.types, number, database)
        if isFromBeginning { try fillFromBeginning(number, database) }
        return number
    }

    private func patterns(_ number: Int64, _ database: Database) throws -> Set<EventTypePattern> {
        let statement = try PreparedStatement(database, "SELECT pattern FROM outbox_patterns WHERE subscription = ?1")
        try statement.bind(number, at: 1)
        var patterns: Set<EventTypePattern> = []
        try statement.eachRow { patterns.insert(EventTypePattern(rawValue: $0.text(0) ?? "")) }
        return patterns
    }

    /// Which types a subscription handles.
    func types(_ number: Int64, _ database: Database) throws -> EventTypeSelection {
        EventTypeSelection(try patterns(number, database))
    }

    private func setPatterns(_ types: EventTypeSelection, _ number: Int64, _ database: Database) throws {
        let delete = try PreparedStatement(database, "DELETE FROM outbox_patterns WHERE subscription = ?1")
        try delete.bind(number, at: 1)
        try delete.execute()
        for pattern in types.patterns {
            let insert = try PreparedStatement(
                database, "INSERT INTO outbox_patterns (subscription, pattern, prefix) VALUES (?1, ?2, ?3)")
            try insert.bind(number, at: 1)
            try insert.bind(pattern.rawValue, at: 2)
            try insert.bind(pattern.prefix, at: 3)
            try insert.execute()
        }
    }

    /// What was never tried and is of a type that it does not handle any more.
    private func forgetOthers(_ number: Int64, _ database: Database) throws {
        let statement = try PreparedStatement(
            database,
            """
            DELETE FROM outbox_deliveries WHERE subscription = ?1 AND state = 'pending' AND EXISTS (
                SELECT 1 FROM outbox_events AS e WHERE e.sequence = outbox_deliveries.sequence AND NOT EXISTS (
                    SELECT 1 FROM outbox_patterns AS p WHERE p.subscription = ?1 AND \(OutboxSchema.matches("e.type"))))
            """)
        try statement.bind(number, at: 1)
        try statement.execute()
    }

    private func fillFromBeginning(_ number: Int64, _ database: Database) throws {
        let statement = try PreparedStatement(
            database,
            """
            INSERT INTO outbox_deliveries (subscription, sequence) SELECT ?1, e.sequence FROM outbox_events AS e
            WHERE EXISTS (
                SELECT 1 FROM outbox_patterns AS p WHERE p.subscription = ?1 AND \(OutboxSchema.matches("e.type")))
            """)
        try statement.bind(number, at: 1)
        try statement.execute()
    }

    private func unpark(_ number: Int64, due: Date, _ database: Database) throws {
        let statement = try PreparedStatement(
            database,
            """
            UPDATE outbox_deliveries SET state = 'retrying', due = ?2
            WHERE subscription = ?1 AND state = 'parked' AND state <> 'pending'
            """)
        try statement.bind(number, at: 1)
        try statement.bind(due, at: 2)
        try statement.execute()
    }

    private func orderedKeys(_ number: Int64, _ database: Database) throws -> [SubscriptionPlace.OrderedKey] {
        let statement = try PreparedStatement(
            database,
            """
            SELECT orderingkey, state, min(sequence), count(*) FROM outbox_deliveries
            WHERE subscription = ?1 AND state <> 'pending' AND orderingkey IS NOT NULL
                AND (state <> 'dead' OR CASE WHEN json_valid(detail) THEN json_extract(detail, '$.blocksKey') END = 1)
            GROUP BY orderingkey, state
            """)
        try statement.bind(number, at: 1)
        var keys: [String: SubscriptionPlace.OrderedKey] = [:]
        try statement.eachRow { columns in
            guard let key = columns.text(0) else { return }
            let first = columns.sequence(2)
            var place = keys[key] ?? .init(key: key)
            switch columns.text(1).flatMap({ RowState(rawValue: $0) }) {
            case .blocked:
                place.blocked = Int(columns.integer(3))
                place.firstBlocked = first
            case .dead: place.dead = first
            case .retrying, .parked: place.retrying = min(place.retrying ?? first, first)
            case .pending, nil: return
            }
            keys[key] = place
        }
        return Array(keys.values)
    }

    func remove(_ subscription: String, _ group: WriteGroup) throws -> DeliveryCounts? {
        let database = group.database
        guard let number = try number(of: subscription, database) else { return nil }
        let counts = try counts(subscription, database)
        for statement in [
            "DELETE FROM outbox_deliveries WHERE subscription = ?1",
            "DELETE FROM outbox_patterns WHERE subscription = ?1",
            "DELETE FROM outbox_subscriptions WHERE id = ?1",
        ] {
            let statement = try PreparedStatement(database, statement)
            try statement.bind(number, at: 1)
            try statement.execute()
        }
        return counts
    }
}

/// What the column `state` says.
enum RowState: String {
    case pending, retrying, blocked, parked, dead

    var deliveryState: DeliveryState {
        switch self {
        case .pending: .pending
        case .retrying: .retrying
        case .blocked: .blocked
        case .parked: .parked
        case .dead: .deadLettered
        }
    }
}
#endif

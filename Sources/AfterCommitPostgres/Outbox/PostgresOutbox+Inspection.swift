#if Postgres
import AfterCommit
import Foundation

extension PostgresOutbox {
    func registeredSubscriptions() async throws -> [String] {
        try await pool.run { session in
            try session.execute(InspectionStatement.names, []).map { try $0.text(0) }
        }
    }

    func removeSubscription(_ name: String) async throws -> DeliveryCounts? {
        guard !relay.delivers(to: name) else { throw StorageError.alreadyDelivering }
        let counts = try await counts(subscription: name)
        let number = try await pool.run { session -> Int32? in
            guard let number = try Self.number(of: name, in: session) else { return nil }
            guard try !session.execute(InspectionStatement.isDelivered, [.int32(number)]).first().bool(0) else {
                throw StorageError(
                    .storeBusy,
                    "another process delivers to \(name), or was killed and its lease lasts still; stop it first, or take \(name) out of its engine"
                )
            }
            // First its place, so that nothing new comes.
            _ = try session.execute(InspectionStatement.remove, [.int32(number)])
            return number
        }
        guard let number else { return nil }
        while try await pool.run({ session in
            try session.execute(InspectionStatement.removeDeliveries, [.int32(number)]).affectedRows
        }) > 0 {}
        return counts
    }

    static func number(of name: String, in session: PostgresSession) throws -> Int32? {
        let result = try session.execute(InspectionStatement.number, [.text(name)])
        return result.isEmpty ? nil : try result.first().int32(0)
    }

    func counts(subscription: String) async throws -> DeliveryCounts {
        try await pool.run { session in
            guard let number = try Self.number(of: subscription, in: session) else { return DeliveryCounts() }
            return try Self.counts(number, ready: InspectionStatement.readyCount, in: session).counts
        }
    }

    func backlog(subscription: String) async throws -> BacklogEstimate {
        try await pool.run { session in
            guard let number = try Self.number(of: subscription, in: session) else {
                return BacklogEstimate(DeliveryCounts())
            }
            let (counts, appended) = try Self.counts(number, ready: InspectionStatement.readyEstimate, in: session)
            return BacklogEstimate(counts, appended: UInt64(clamping: appended))
        }
    }

    private static func counts(
        _ number: Int32, ready: String, in session: PostgresSession
    ) throws -> (counts: DeliveryCounts, appended: Int64) {
        let results = try session.pipeline([
            PostgresStatement(InspectionStatement.exceptionCounts, [.int32(number)]),
            PostgresStatement(ready, [.int32(number)]),
            PostgresStatement(InspectionStatement.oldestReady, [.int32(number)]),
            PostgresStatement(InspectionStatement.appended, []),
        ])
        var counts = DeliveryCounts(pending: Int(try results[1].first().optionalInt64(0) ?? 0))
        for row in results[0] {
            let count = Int(try row.int64(1))
            switch OutboxState(rawValue: try row.text(0)) {
            case .retrying: counts.retrying = count
            case .blocked: counts.blocked = count
            case .parked: counts.parked = count
            case .dead: counts.deadLettered = count
            case .ready, nil: break
            }
        }
        if let oldest = try results[2].map({ try $0.timestamp(0) }).first { counts.oldestPending = oldest }
        return (counts, try results[3].first().int64(0))
    }

    func deliveries(_ query: DeliveryQuery) async throws -> [DeliveryRecord] {
        guard query.limit > 0 else { return [] }
        let conditions: [PostgresValue] = [
            .int64(query.after.map { Int64(clamping: $0) } ?? -1), .text(query.subscription),
            .text(query.type?.rawValue), .text(query.orderingKey), .uuid(query.eventID?.uuid),
        ]
        let limit = PostgresValue.int64(Int64(query.limit))
        let statement =
            switch query.state {
            case .delivered: PostgresStatement(InspectionStatement.all, conditions + [.bool(true), limit])
            case nil: PostgresStatement(InspectionStatement.all, conditions + [.bool(false), limit])
            case let state?:
                PostgresStatement(
                    InspectionStatement.undelivered, conditions + [.text(OutboxState(state).rawValue), limit])
            }
        let records = try await pool.run { session in
            try session.execute(statement.sql, statement.parameters).map { try Self.record($0) }
        }
        return records.sorted { ($0.id.sequence, $0.id.subscription) < ($1.id.sequence, $1.id.subscription) }
    }

    private static func record(_ row: PostgresRow) throws -> DeliveryRecord {
        let sequence = UInt64(bitPattern: try row.int64(0))
        let id = DeliveryID(subscription: try row.text(16), sequence: sequence)
        guard try row.optionalText(1) != nil else {
            return DeliveryRecord(id: id, envelope: try StoredEnvelope(row, from: 6).envelope, state: .delivered)
        }
        let stored = try StoredDelivery(row)
        return DeliveryRecord(
            id: id, envelope: stored.envelope, state: stored.state.deliveryState,
            due: stored.state == .retrying ? try row.optionalTimestamp(17) : nil,
            history: stored.history ?? DeliveryHistory())
    }
}
#endif

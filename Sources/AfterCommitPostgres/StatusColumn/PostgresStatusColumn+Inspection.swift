#if Postgres
import AfterCommit
import Foundation

/// What is in it, for those who look.
extension PostgresStatusColumn {
    func registeredSubscriptions() async throws -> [String] {
        try await pool.run { try self.subscription(in: $0).map { [$0] } ?? [] }
    }

    func subscription(in session: PostgresSession) throws -> String? {
        try session.execute(StatusColumnStatement.subscription, [.text(column.table)]).map { try $0.text(0) }.first
    }

    func status(of key: PostgresValue) async throws -> RowStatus? {
        try await pool.run { session in
            guard let row = try session.execute(self.statement.ofKey, [key]).first,
                let status = try row.optionalText(try row.column("event_status")),
                let state = RowStatus.State(rawValue: status)
            else { return nil }
            let event = try StatusRow(row, self.column, coder: self.rows.coder)
            return RowStatus(
                state: state, eventID: event.envelope.id,
                attempts: Int(try row.optionalInt32(try row.column("event_attempts")) ?? 0),
                replayCount: event.history?.replayCount ?? 0, due: event.due,
                lastError: try row.optionalText(try row.column("event_error")))
        }
    }

    func counts(subscription: String) async throws -> DeliveryCounts {
        try await pool.run { session in
            guard try self.subscription(in: session) == subscription else { return DeliveryCounts() }
            return try self.counts(in: session)
        }
    }

    func counts(in session: PostgresSession) throws -> DeliveryCounts {
        let results = try session.pipeline([
            PostgresStatement(statement.counts), PostgresStatement(statement.oldest),
        ])
        let row = try results[0].first()
        var counts = DeliveryCounts(
            pending: Int(try row.int64(4)), retrying: Int(try row.int64(0)), blocked: Int(try row.int64(1)),
            parked: Int(try row.int64(2)), deadLettered: Int(try row.int64(3)))
        counts.oldestPending = try oldest(results[1])
        return counts
    }

    func backlog(subscription: String) async throws -> BacklogEstimate {
        try await pool.run { session in
            guard try self.subscription(in: session) == subscription else { return BacklogEstimate(DeliveryCounts()) }
            let results = try session.pipeline([
                PostgresStatement(self.statement.exceptionCounts), PostgresStatement(self.statement.readyEstimate),
                PostgresStatement(self.statement.oldest), PostgresStatement(self.statement.appended),
            ])
            let row = try results[0].first()
            var counts = DeliveryCounts(
                pending: Int(try results[1].first().optionalInt64(0) ?? 0), retrying: Int(try row.int64(0)),
                blocked: Int(try row.int64(1)), parked: Int(try row.int64(2)), deadLettered: Int(try row.int64(3)))
            counts.oldestPending = try self.oldest(results[2])
            return BacklogEstimate(counts, appended: UInt64(clamping: try results[3].first().int64(0)))
        }
    }

    private func oldest(_ result: PostgresResult) throws -> Date? {
        guard let row = result.first, let text = try row.optionalText(0) else { return nil }
        // One that cannot be read has no date.
        return (try? StatusDetail(decoding: text))?.time
    }

    // MARK: Listing

    private static let pageSize = 500

    func deliveries(_ query: DeliveryQuery) async throws -> [DeliveryRecord] {
        let list =
            switch query.state {
            case .delivered: statement.listDelivered
            case .deadLettered: statement.listDead
            case nil: statement.listAll
            default: statement.listPending
            }
        guard query.limit > 0, let name = try await registeredSubscriptions().first,
            query.subscription ?? name == name
        else { return [] }
        var records: [DeliveryRecord] = []
        try await scan(list, after: Int64(clamping: query.after ?? 0)) { row in
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

    func deadLetters(_ query: DeadLetterQuery) async throws -> [DeadLetter] {
        guard query.limit > 0, let name = try await registeredSubscriptions().first else { return [] }
        var letters: [DeadLetter] = []
        let after = query.after.map { Int64(clamping: $0.sequence) - 1 } ?? 0
        try await scan(statement.listDead, after: after) { row in
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

    /// Takes rows page by page until `body` returns false.
    private func scan(_ list: String, after: Int64, _ body: (StatusRow) throws -> Bool) async throws {
        var last = after
        while true {
            let from = last
            let page = try await pool.run { session in
                try self.rows.read(list, [.int64(from), .int64(Int64(Self.pageSize))], in: session)
            }
            for row in page { guard try body(row) else { return } }
            guard page.count == Self.pageSize, let end = page.last else { return }
            last = Int64(bitPattern: end.sequence)
        }
    }
}
#endif

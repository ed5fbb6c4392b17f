#if Postgres
import AfterCommit
import Foundation

extension PostgresStatusColumn {
    func redrive(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        let now = envelopes.wallClock.now()
        let redriven = try await change(ids) { sequences, session in
            let dead = try self.rows.read(self.statement.lockDead, [.int64s(sequences)], in: session)
            let records = dead.map { StatusRecord(redriving: $0, now: now) }
            return try session.execute(self.statement.redrive, [.json(try StatusRecord.json(records))]).map {
                try $0.int64(0)
            }
        }
        if !redriven.isEmpty { live.wake([.claimable, .deadLetters]) }
        return redriven
    }

    func deleteDeadLetters(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        let deleted = try await change(ids) { sequences, session in
            let dead = try self.rows.read(self.statement.lockDead, [.int64s(sequences)], in: session)
            try session.execute(self.statement.deleteDead, [.int64s(sequences)])
            return dead.map { Int64(bitPattern: $0.sequence) }
        }
        if !deleted.isEmpty { live.wake([.claimable, .deadLetters]) }
        return deleted
    }

    /// Changes dead letters in one transaction, and tells the server that delivers.
    private func change(
        _ ids: [DeliveryID], _ body: @escaping @Sendable ([Int64], PostgresSession) throws -> [Int64]
    ) async throws -> [DeliveryID] {
        guard !ids.isEmpty else { return [] }
        let isAttached = live.isAttached
        return try await pool.transaction { session in
            guard let name = try self.subscription(in: session) else { return [] }
            let known = ids.filter { $0.subscription == name }
            guard !known.isEmpty else { return [] }
            let changed = Set(try body(known.map(\.sequence).signed, session))
            if !changed.isEmpty, !isAttached { try session.execute(StatusColumnStatement.notify) }
            return known.filter { changed.contains(Int64(bitPattern: $0.sequence)) }
        }
    }

    /// Forgets what became of the events so far. Rows that are pending stay so, for the next subscription; dead letters are gone,
    /// and their rows stay failed.
    func removeSubscription(_ name: String) async throws -> DeliveryCounts? {
        guard live.claims(name) == nil else { throw StorageError.alreadyDelivering }
        let isAttached = live.isAttached
        return try await pool.transaction { session in
            // Another server that delivers would go on with a place that is gone.
            if !isAttached {
                let table = PostgresValue.text(self.column.name)
                guard try session.execute(StatusColumnStatement.tryLockHere, [table]).first().bool(0) else {
                    throw ColumnOwner.busy(self.column.table)
                }
            }
            guard try self.subscription(in: session) == name else { return nil }
            let counts = try self.counts(in: session)
            try session.execute(self.statement.forgetPending)
            try session.execute(self.statement.forgetDead)
            try session.execute(
                StatusColumnStatement.setSubscription, [.text(self.column.table), .text(nil)])
            return counts
        }
    }
}
#endif

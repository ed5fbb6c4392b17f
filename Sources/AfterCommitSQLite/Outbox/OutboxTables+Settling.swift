#if SQLite
import AfterCommit
import Foundation
import GRDB

/// Recording outcomes.
extension OutboxTables {
    func settle(_ batch: SettlementBatch, _ group: WriteGroup) throws -> SettlementReport {
        let database = group.database
        guard let number = try number(of: batch.subscription, database) else { return SettlementReport() }
        var report = SettlementReport()
        for run in Self.runs(of: batch.delivered) where try !delete(run, number, group) {
            for sequence in run where try !delete(sequence, number, database) { report.stale.append(sequence) }
        }
        for settlement in batch.exceptions where try !record(settlement, number, database) {
            report.stale.append(settlement.delivery.sequence)
        }
        report.refusedEmissions = try store(batch.emissions(without: report.stale), group)
        return report
    }

    /// Sequences as ranges, in order: most of what is settled together was emitted together.
    static func runs(of sequences: [UInt64]) -> [ClosedRange<UInt64>] {
        var runs: [ClosedRange<UInt64>] = []
        for sequence in sequences {
            if let last = runs.last, last.upperBound < .max, last.upperBound + 1 == sequence {
                runs[runs.count - 1] = last.lowerBound...sequence
            } else {
                runs.append(sequence...sequence)
            }
        }
        return runs
    }

    /// Settles all of a run, if all of them are there and none is dead.
    /// - Returns: false where nothing was done.
    private func delete(_ run: ClosedRange<UInt64>, _ number: Int64, _ group: WriteGroup) throws -> Bool {
        guard run.count >= Self.leastRun else { return false }
        return try group.attempt {
            let statement = try PreparedStatement(
                group.database,
                """
                DELETE FROM outbox_deliveries WHERE subscription = ?1 AND sequence BETWEEN ?2 AND ?3 AND state <> 'dead'
                """)
            try statement.bind(number, at: 1)
            try statement.bind(run.lowerBound, at: 2)
            try statement.bind(run.upperBound, at: 3)
            return try statement.execute() == run.count
        }
    }

    /// Shorter ones are not worth a savepoint.
    private static let leastRun = 4

    /// Settles one that is done, unless it is dead or gone.
    /// - Returns: whether it was there.
    private func delete(_ sequence: UInt64, _ number: Int64, _ database: Database) throws -> Bool {
        let statement = try PreparedStatement(
            database, "DELETE FROM outbox_deliveries WHERE subscription = ?1 AND sequence = ?2 AND state <> 'dead'")
        try statement.bind(number, at: 1)
        try statement.bind(sequence, at: 2)
        return try statement.execute() > 0
    }

    private func record(_ settlement: Settlement, _ number: Int64, _ database: Database) throws -> Bool {
        let state: RowState
        var due: Date?
        switch settlement.outcome {
        case .retrying(let date, _):
            state = .retrying
            due = date
        case .blocked: state = .blocked
        case .parked: state = .parked
        case .deadLettered: state = .dead
        }
        let statement = try PreparedStatement(
            database,
            """
            UPDATE outbox_deliveries SET state = ?3, due = ?4, orderingkey = ?5, detail = ?6
            WHERE subscription = ?1 AND sequence = ?2 AND state <> 'dead'
            """)
        try statement.bind(number, at: 1)
        try statement.bind(settlement.delivery.sequence, at: 2)
        try statement.bind(state.rawValue, at: 3)
        try statement.bind(due, at: 4)
        try statement.bind(settlement.delivery.envelope.orderingKey, at: 5)
        if let detail = DeliveryDetail(settlement) {
            try statement.bindText(try detail.encoded(), at: 6)
        } else {
            try statement.bindNull(at: 6)
        }
        return try statement.execute() > 0
    }

    /// Stores what handlers emitted, one by one: a key that is taken, or a constraint of the user's, refuses its own event only.
    /// - Returns: the deduplication keys of those that were refused.
    private func store(_ emissions: [Emission], _ group: WriteGroup) throws -> [String] {
        var refused: [String] = []
        for emission in emissions {
            do {
                _ = try group.attempt {
                    _ = try store(emission, group)
                    return true
                }
            } catch is EmitError {
                refused.append(emission.deduplication?.key ?? "")
            } catch let error as DatabaseError
                where error.resultCode == .SQLITE_CONSTRAINT && group.database.isInsideTransaction
            {
                refused.append(emission.deduplication?.key ?? "")
            }
        }
        return refused
    }

    func state(of delivery: DeliveryID, _ database: Database) throws -> DeliveryState? {
        guard let number = try number(of: delivery.subscription, database) else { return nil }
        let statement = try PreparedStatement(
            database, "SELECT state FROM outbox_deliveries WHERE subscription = ?1 AND sequence = ?2")
        try statement.bind(number, at: 1)
        try statement.bind(delivery.sequence, at: 2)
        return try statement.first { ($0.text(0).flatMap { RowState(rawValue: $0) } ?? .pending).deliveryState }
    }

    // MARK: Dead letters

    func redrive(_ ids: [DeliveryID], _ group: WriteGroup) throws -> [DeliveryID] {
        try ids.filter { id in
            guard let number = try number(of: id.subscription, group.database),
                let detail = try deadDetail(id, number, group.database)
            else { return false }
            let statement = try PreparedStatement(
                group.database,
                """
                UPDATE outbox_deliveries SET state = 'retrying', due = ?3, detail = ?4
                WHERE subscription = ?1 AND sequence = ?2
                """)
            try statement.bind(number, at: 1)
            try statement.bind(id.sequence, at: 2)
            try statement.bind(group.now, at: 3)
            let redriven = DeliveryDetail(history: (detail.history ?? DeliveryHistory()).redriven)
            try statement.bindText(try redriven.encoded(), at: 4)
            return try statement.execute() > 0
        }
    }

    /// `nil` for what is no dead letter.
    private func deadDetail(_ id: DeliveryID, _ number: Int64, _ database: Database) throws -> DeliveryDetail? {
        let statement = try PreparedStatement(
            database,
            "SELECT detail FROM outbox_deliveries WHERE subscription = ?1 AND sequence = ?2 AND state = 'dead'")
        try statement.bind(number, at: 1)
        try statement.bind(id.sequence, at: 2)
        return try statement.first { Self.detail($0, at: 0).detail }
    }

    func deleteDeadLetters(_ ids: [DeliveryID], _ group: WriteGroup) throws -> [DeliveryID] {
        try ids.filter { id in
            guard let number = try number(of: id.subscription, group.database) else { return false }
            let statement = try PreparedStatement(
                group.database,
                "DELETE FROM outbox_deliveries WHERE subscription = ?1 AND sequence = ?2 AND state = 'dead'")
            try statement.bind(number, at: 1)
            try statement.bind(id.sequence, at: 2)
            return try statement.execute() > 0
        }
    }
}
#endif

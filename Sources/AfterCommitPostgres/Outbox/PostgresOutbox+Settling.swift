#if Postgres
import AfterCommit
import Foundation

extension PostgresOutbox {
    func settle(_ batch: SettlementBatch) async throws -> SettlementReport {
        guard batch.count > 0 else { return SettlementReport() }
        let (subscription, epoch) = try relay.subscription(batch.subscription)
        let sequences = batch.delivered + batch.exceptions.map(\.delivery.sequence)
        let parameters: [PostgresValue] = [
            .int32(subscription), .int64(epoch), .int64s(batch.delivered.signed),
            .json(try SettledException.json(batch.exceptions)),
        ]
        let done = Settled(stale: [], mayBeClaimable: true, change: StorageChange(batch.emitted.map(\.emission)))
        var settled: Settled
        do {
            settled = try await run(batch, parameters)
        } catch let lost as LostSettlement {
            let isDone: Bool
            do {
                isDone = try await runner.isCommitted(
                    .lookup { session in
                        try session.execute(
                            OutboxStatement.areSettled,
                            [.int32(subscription), .int64(epoch), .int64s(sequences.signed)]
                        ).first().bool(0)
                    }, by: lost.process, cause: lost.cause)
            } catch {
                // When it is tried again, what is settled then may have been settled by this one.
                relay.noteUnanswered(sequences, of: batch.subscription)
                throw lost.cause
            }
            guard isDone else { throw lost.cause }
            settled = done
        }
        let mayBeDone = relay.takeUnanswered(sequences, of: batch.subscription)
        if !mayBeDone.isEmpty {
            settled.stale.removeAll { mayBeDone.contains($0) }
            settled.mayBeClaimable = true
            settled.change = done.change
        }
        var change = settled.change
        if settled.mayBeClaimable {
            relay.lookAnew(batch.subscription)
            change.insert(.claimable)
        }
        relay.wake(change)
        return SettlementReport(stale: settled.stale, refusedEmissions: settled.refusedEmissions)
    }

    /// A settlement that was not answered.
    private struct LostSettlement: Error {
        let process: ServerProcess?
        let cause: PostgresError
    }

    /// Tells a settlement that was not answered from one that was refused.
    private static func answered<R>(in session: PostgresSession, _ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch let error as PostgresError where session.isLost {
            throw LostSettlement(process: session.process, cause: error)
        }
    }

    private struct Settled: Sendable {
        var stale: [UInt64]
        /// Whether deliveries go on that waited behind these.
        var mayBeClaimable = false
        var change: StorageChange = []
        var refusedEmissions: [String] = []
    }

    private func run(_ batch: SettlementBatch, _ parameters: [PostgresValue]) async throws -> Settled {
        guard !batch.emitted.isEmpty else {
            return try await pool.run { session in
                try Self.answered(in: session) { try Self.settled(session.execute(OutboxStatement.settle, parameters)) }
            }
        }
        return try await pool.run { session in
            try Self.answered(in: session) {
                try session.execute("BEGIN")
                let settled = try self.settle(batch, parameters, in: session)
                try session.commit([])
                return settled
            }
        }
    }

    private func settle(
        _ batch: SettlementBatch, _ parameters: [PostgresValue], in session: PostgresSession
    ) throws -> Settled {
        var settled = try Self.settled(session.execute(OutboxStatement.settle, parameters))
        var fresh: [Emission] = []
        for emission in batch.emissions(without: settled.stale) {
            do {
                let first = try writer.firstID(for: emission, among: fresh, in: session)
                if first == nil { fresh.append(emission) }
            } catch let error as EmitError where error.code == .deduplicationConflict {
                settled.refusedEmissions.append(emission.deduplication?.callersKey ?? "")
            }
        }
        _ = try session.pipeline(try self.writer.statements(fresh))
        settled.change = StorageChange(fresh)
        return settled
    }

    private static func settled(_ result: PostgresResult) throws -> Settled {
        let row = try result.first()
        return Settled(
            stale: try row.int64s(0).map { UInt64(bitPattern: $0) }, mayBeClaimable: try row.int64(1) > 0)
    }

    func settled(among sequences: [UInt64], subscription name: String) async throws -> [UInt64] {
        let (subscription, _) = try relay.subscription(name)
        let open = try await pool.run { session in
            try session.execute(OutboxStatement.existing, [.int32(subscription), .int64s(sequences.signed)])
                .map { UInt64(bitPattern: try $0.int64(0)) }
        }
        let isOpen = Set(open)
        return sequences.filter { !isOpen.contains($0) }
    }

    // MARK: In a transaction of the user's

    func beginSettling(_ delivery: DeliveryID, in session: PostgresSession) throws {
        let (subscription, epoch) = try relay.subscription(delivery.subscription)
        try session.execute(
            OutboxStatement.beginSettling,
            [.int32(subscription), .int64(Int64(bitPattern: delivery.sequence)), .int64(epoch)])
    }

    func lock(_ delivery: DeliveryID, in session: PostgresSession) throws -> DeliveryLocking {
        let (subscription, epoch) = try relay.subscription(delivery.subscription)
        let result = try session.execute(
            OutboxStatement.lockClaimed, [.int32(subscription), .int64(Int64(bitPattern: delivery.sequence))])
        guard !result.isEmpty else { return .alreadySettled }
        return try result.first().optionalInt64(0) == epoch ? .locked : .notClaimed
    }

    func settle(_ delivery: DeliveryID, in session: PostgresSession) throws {
        let (subscription, epoch) = try relay.subscription(delivery.subscription)
        let row = try session.execute(
            OutboxStatement.settle,
            [.int32(subscription), .int64(epoch), .int64s([Int64(bitPattern: delivery.sequence)]), .null]
        ).first()
        guard try row.int64s(0).isEmpty else { throw StorageError.notClaimed(delivery) }
    }

    func isSettled(_ delivery: DeliveryID, in session: PostgresSession) throws -> Bool {
        let (subscription, _) = try relay.subscription(delivery.subscription)
        return try session.execute(
            OutboxStatement.existing, [.int32(subscription), .int64s([Int64(bitPattern: delivery.sequence)])]
        ).isEmpty
    }

    func settled(_ delivery: DeliveryID) {
        // Those that waited behind its key.
        relay.lookAnew(delivery.subscription)
        relay.wake(.claimable)
    }
}
#endif

#if Postgres
import AfterCommit
import Foundation
import Logging

extension PostgresOutbox {
    func claim(_ request: ClaimRequest) async throws -> ClaimedBatch {
        guard let (subscription, epoch) = try relay.beginClaim(request.subscription) else {
            return ClaimedBatch(hasMore: true)
        }
        let from = relay.beginLook(request.subscription, now: time.now())
        do {
            let found = try await pool.run { session in
                try self.claim(request, subscription: subscription, epoch: epoch, from: from, in: session)
            }
            // Others may have looked before the inserting transactions were asked to notify.
            if found.becameIdle { relay.wake(.claimable) }
            let deliveries = found.deliveries
            let isFull = deliveries.count >= request.limit
            if isFull { relay.endLook(request.subscription, found: deliveries) }
            let looksAgain = !deliveries.isEmpty && (isFull || !relay.isIdle)
            return ClaimedBatch(
                deliveries: deliveries, nextDue: found.nextDue, hasMore: looksAgain || !request.includesNew)
        } catch let error as PostgresError where error.sqlState == Self.leaseLapsed {
            await lease.lapsed(epoch)
            return ClaimedBatch(hasMore: true)
        } catch let error as PostgresError where error.sqlState == Self.isRegistering {
            // Nothing tells when they end.
            try await time.sleep(until: time.now() + Self.registrationLook)
            return ClaimedBatch(hasMore: true)
        } catch let lost as LostClaim {
            await lease.giveUp(epoch)
            throw lost.cause
        } catch let error as PostgresError where error.sqlState == Self.isRemoved {
            throw StorageError(
                .closed,
                "\(request.subscription) was removed from the database while it is delivered here; start again to register it anew",
                cause: error)
        }
    }

    /// What `outbox_claim` raises for a relay whose lease has run out.
    private static let leaseLapsed = "AC001"
    /// What it raises while transactions are open that began before the subscription was registered: it may not have their
    /// events yet, and what comes after them must wait.
    private static let isRegistering = "AC002"
    /// What it raises for a subscription that has no place any more.
    private static let isRemoved = "AC003"
    private static let registrationLook = Duration.milliseconds(20)

    /// A claim that may have taken what nobody here knows of: it would have it for as long as the lease is renewed.
    private struct LostClaim: Error {
        let cause: any Error
    }

    private struct Found: Sendable {
        var deliveries: [ClaimedDelivery] = []
        var nextDue: Date?
        var becameIdle = false
    }

    private func claim(
        _ request: ClaimRequest, subscription: Int32, epoch: Int64, from: UInt64, in session: PostgresSession
    ) throws -> Found {
        var found = Found()
        func look(from: UInt64) throws {
            let limit = request.limit - found.deliveries.count
            let parameters: [PostgresValue] = [
                .int32(subscription), .int64(epoch), .timestamp(request.now),
                .int32(Int32(clamping: request.includesNew ? max(1, limit / 2) : limit)),
                .int32(request.includesNew ? Int32(clamping: limit) : 0), .int64(Int64(bitPattern: from)),
            ]
            let (taken, due) = try Self.claiming(in: session) {
                try session.pipeline([
                    PostgresStatement(OutboxStatement.claim, parameters),
                    PostgresStatement(OutboxStatement.nextDue, [.int32(subscription)]),
                ])
            } reading: { results in
                (try results[0].map { try StoredDelivery($0).claimed }, try results[1].first().optionalTimestamp(0))
            }
            found.deliveries += taken
            found.nextDue = due
        }
        try look(from: from)
        do {
            if from > 0, request.includesNew, found.deliveries.count < request.limit { try look(from: 0) }
            if request.includesNew, let idle = relay.found(found.deliveries.count, for: request.subscription) {
                do {
                    _ = try session.execute(RelayStatement.setIdle, [.int64(epoch), .bool(idle)])
                } catch {
                    relay.noteIdleUnknown()
                    throw error
                }
                if idle {
                    // What was inserted before others knew that they are to notify.
                    try look(from: 0)
                    found.becameIdle = true
                }
            }
        } catch let error as PostgresError where !found.deliveries.isEmpty && error.sqlState != Self.leaseLapsed {
            // What was found before is in hand. The next claim meets the same, if it lasts.
            logger.warning(
                "a claim has found less than there may be", metadata: [LogKey.error: "\(error)"])
        }
        return found
    }

    /// Runs what claims.
    /// - Throws: `LostClaim` where it may have claimed all the same.
    private static func claiming<R>(
        in session: PostgresSession, _ body: () throws -> [PostgresResult], reading: ([PostgresResult]) throws -> R
    ) throws -> R {
        let results: [PostgresResult]
        do {
            results = try body()
        } catch {
            // A refusal that is answered has undone it.
            throw session.isLost ? LostClaim(cause: error) : error
        }
        do {
            return try reading(results)
        } catch {
            throw LostClaim(cause: error)
        }
    }

    func claim(_ sequences: [UInt64], subscription name: String) async throws -> [ClaimedDelivery] {
        let (subscription, epoch) = try relay.subscription(name)
        let parameters: [PostgresValue] = [.int32(subscription), .int64(epoch), .int64s(sequences.signed)]
        do {
            return try await pool.run { session in
                try Self.claiming(in: session) {
                    [try session.execute(OutboxStatement.claimSequences, parameters)]
                } reading: { results in
                    try results[0].map { try StoredDelivery($0).claimed }
                }
            }
        } catch let lost as LostClaim {
            await lease.giveUp(epoch)
            throw lost.cause
        }
    }

    func claimBlocked(
        subscription: String, orderingKeys: Set<String>, limitPerKey: Int
    ) async throws -> [String: [ClaimedDelivery]] {
        // They come back by themselves.
        [:]
    }

    func release(_ sequences: [UInt64], subscription name: String) async {
        do {
            let (subscription, epoch) = try relay.subscription(name)
            try await pool.run { session in
                _ = try session.execute(
                    OutboxStatement.release, [.int32(subscription), .int64(epoch), .int64s(sequences.signed)])
            }
            relay.lookAnew(name)
        } catch {
            // The detachment gives it back, or the end of the lease.
            logger.warning(
                "deliveries could not be given back yet",
                metadata: [LogKey.count: "\(sequences.count)", LogKey.error: "\(error)"])
        }
    }
}
#endif

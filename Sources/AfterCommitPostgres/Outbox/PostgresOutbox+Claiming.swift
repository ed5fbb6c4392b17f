#if Postgres
import AfterCommit
import Foundation
import Logging

extension PostgresOutbox {
    func claim(_ request: ClaimRequest) async throws -> ClaimedBatch {
        let (subscription, epoch) = try relay.subscription(request.subscription)
        let from = relay.beginLook(request.subscription, now: time.now())
        do {
            let (deliveries, nextDue, becameIdle) = try await pool.run { session in
                try self.claim(request, subscription: subscription, epoch: epoch, from: from, in: session)
            }
            // Others may have looked before the inserting transactions were asked to notify.
            if becameIdle { relay.wake(.claimable) }
            let isFull = deliveries.count >= request.limit
            if isFull { relay.endLook(request.subscription, found: deliveries) }
            let looksAgain = !deliveries.isEmpty && (isFull || !relay.isIdle)
            return ClaimedBatch(
                deliveries: deliveries, nextDue: nextDue, hasMore: looksAgain || !request.includesNew)
        } catch let error as PostgresError where error.sqlState == Self.leaseLapsed {
            await leaseLapsed(epoch)
            return ClaimedBatch(hasMore: true)
        } catch let error as PostgresError where error.sqlState == Self.isRegistering {
            // Nothing tells when they end.
            try await time.sleep(until: time.now() + Self.registrationLook)
            return ClaimedBatch(hasMore: true)
        }
    }

    /// What `outbox_claim` raises for a relay whose lease has run out.
    private static let leaseLapsed = "AC001"
    /// What it raises while transactions are open that began before the subscription was registered: it may not have their
    /// events yet, and what comes after them must wait.
    private static let isRegistering = "AC002"
    private static let registrationLook = Duration.milliseconds(20)

    private func claim(
        _ request: ClaimRequest, subscription: Int32, epoch: Int64, from: UInt64, in session: PostgresSession
    ) throws -> (deliveries: [ClaimedDelivery], nextDue: Date?, becameIdle: Bool) {
        var deliveries: [ClaimedDelivery] = []
        var due: Date?
        func look(from: UInt64) throws {
            let limit = request.limit - deliveries.count
            let parameters: [PostgresValue] = [
                .int32(subscription), .int64(epoch), .timestamp(request.now),
                .int32(Int32(clamping: request.includesNew ? max(1, limit / 2) : limit)),
                .int32(request.includesNew ? Int32(clamping: limit) : 0), .int64(Int64(bitPattern: from)),
            ]
            let results = try session.pipeline([
                PostgresStatement(OutboxStatement.claim, parameters),
                PostgresStatement(OutboxStatement.nextDue, [.int32(subscription)]),
            ])
            deliveries += try results[0].map { try StoredDelivery($0).claimed }
            due = try results[1].first().optionalTimestamp(0)
        }
        try look(from: from)
        if from > 0, request.includesNew, deliveries.count < request.limit { try look(from: 0) }
        var becameIdle = false
        if request.includesNew, let idle = relay.found(deliveries.count, for: request.subscription) {
            _ = try session.execute(RelayStatement.setIdle, [.int64(epoch), .bool(idle)])
            if idle {
                // What was inserted before others knew that they are to notify.
                try look(from: 0)
                becameIdle = true
            }
        }
        return (deliveries, due, becameIdle)
    }

    /// Another relay has what was claimed: this one begins anew.
    func leaseLapsed(_ epoch: Int64) async {
        guard relay.lapsed(epoch) else { return }
        logger.warning("the relay's lease has run out; what it had claimed is others'")
        do {
            try await join()
        } catch {
            logger.error(
                "no new lease could be got, it will be tried again", metadata: [LogKey.error: "\(error)"])
        }
        relay.wake([.leasesLost, .claimable])
    }

    func claim(_ sequences: [UInt64], subscription name: String) async throws -> [ClaimedDelivery] {
        let (subscription, epoch) = try relay.subscription(name)
        return try await pool.run { session in
            try session.execute(
                OutboxStatement.claimSequences, [.int32(subscription), .int64(epoch), .int64s(sequences.signed)]
            ).map { try StoredDelivery($0).claimed }
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

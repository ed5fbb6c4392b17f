import Foundation
import Tracing

/// What the worker asks its storage for, and tells it.
extension DeliveryWorker {
    /// Settles all that has ended, in one commit. What cannot be settled now is kept.
    func settle(now: Duration) async -> Bool {
        guard unsettled.count > 0, state.maySettle(now: now) else { return false }
        return (try? await settleDecided()) != nil
    }

    /// Settles all that is decided; a failure is logged, and what could not be settled is kept for the next time.
    func settleDecided() async throws {
        let batch = unsettled
        unsettled = SettlementBatch(subscription: subscription.name)
        // They stay where a cancellation finds them.
        let waiters = newSettleWaiters
        newSettleWaiters = []
        settlesUnderWay += 1
        defer { settlesUnderWay -= 1 }
        do {
            let report = try await settleMeasured(batch)
            state.settled(batch.count, retrying: batch.earliestDue)
            ordering.stored(batch.exceptions)
            clearCrashLoops(batch.exceptions)
            if !report.evictedDeadLetters.isEmpty { forget(report.evictedDeadLetters) }
            if !report.stale.isEmpty { leave(report.stale, of: batch) }
            if !report.refusedEmissions.isEmpty { log.emissionsRefused(report.refusedEmissions) }
            for id in waiters { settleWaiters.removeValue(forKey: id)?.resume(returning: report.stale) }
            if !subscription.compensations.isEmpty { noteCompensated(batch, report) }
            if let onExhausted = subscription.onExhausted { tellExhausted(batch, report, onExhausted) }
        } catch {
            unsettled.delivered.insert(contentsOf: batch.delivered, at: 0)
            unsettled.exceptions.insert(contentsOf: batch.exceptions, at: 0)
            unsettled.emitted.insert(contentsOf: batch.emitted, at: 0)
            state.settleFailed(now: time.now())
            log.settlingFailed(error, count: batch.count)
            for id in waiters { settleWaiters.removeValue(forKey: id)?.resume(throwing: error) }
            noteIfClosed(error)
            throw error
        }
    }

    private func settleMeasured(_ batch: SettlementBatch) async throws -> SettlementReport {
        guard metrics != nil || tracing != nil else { return try await storage.settle(batch) }
        let span = tracing?.beginSettle(subscription: subscription.name, count: batch.count)
        let start = time.now()
        let result: Result<SettlementReport, any Error>
        do {
            result = .success(try await storage.settle(batch))
        } catch {
            result = .failure(error)
        }
        let error = if case .failure(let error) = result { error } else { nil as (any Error)? }
        metrics?.settled(time.now() - start, error: error)
        if let span { EventTracing.endSettle(span, error: error) }
        return try result.get()
    }

    /// They were settled otherwise: what was decided here counts no more, and their keys go on.
    private func leave(_ stale: [UInt64], of batch: SettlementBatch) {
        totals.staleSettles += stale.count
        let refused = Set(stale)
        for settlement in batch.exceptions where refused.contains(settlement.delivery.sequence) {
            guard case .deadLettered(let letter) = settlement.outcome else { continue }
            if letter.reason == .cancelled { totals.cancelled -= 1 } else { totals.deadLettered -= 1 }
        }
        log.staleSettles(stale.count)
        for next in ordering.unblock(sequences: refused) { follow(next) }
        signal.notify()
    }

    private func tellExhausted(
        _ batch: SettlementBatch, _ report: SettlementReport, _ handler: @escaping Subscription.ExhaustionHandler
    ) {
        let stale = Set(report.stale)
        for settlement in batch.exceptions where !stale.contains(settlement.delivery.sequence) {
            guard case .deadLettered(let letter) = settlement.outcome, letter.reason != .cancelled else { continue }
            exhaustionTasks.run { await handler(letter) }
        }
    }

    /// A closed storage never opens again: there is no use in trying.
    private func noteIfClosed(_ error: any Error) {
        guard let error = error as? StorageError, error.code == .closed else { return }
        failure = error
        stop(grace: .zero)
    }

    private func forget(_ evicted: [DeliveryID]) {
        totals.evictedDeadLetters += evicted.count
        log.deadLettersEvicted(evicted.count)
        deadLettersDeleted(Set(evicted.map(\.sequence)))
    }

    /// How many wait behind their keys, as far as that keeps new deliveries from being claimed. After a restart, keys that
    /// wait for their heads must not wait for those blocked behind them.
    var blockedForClaims: Int { ordering.awaitsHeads ? 0 : ordering.blockedCount }

    func claim(now: Duration, date: Date) async -> Bool {
        await freeKeysOfDeletedLetters(now: now)
        let turned = await claimTurnedKeys()
        let limit = state.claimLimit(
            now: now, date: date, queue: queue.standing(), blocked: blockedForClaims)
        guard let limit else { return turned }
        let includesNew = state.includesNew(blocked: blockedForClaims)
        isClaiming = true
        defer { endClaiming() }
        do {
            let batch = try await storage.claim(
                ClaimRequest(
                    subscription: subscription.name, limit: limit, now: date,
                    includesNew: includesNew))
            state.claimed(batch)
            admit(batch.deliveries)
            keysToClaim += ordering.reached(batch.reached)
            // A claim may have passed over many events of other types and found none of its own yet.
            return turned || !batch.deliveries.isEmpty || (includesNew && batch.hasMore)
        } catch {
            claimingFailed(error)
            return turned
        }
    }

    private func endClaiming() {
        isClaiming = false
        for waiter in claimWaiters { waiter.resume() }
        claimWaiters = []
    }

    /// Waits until no claim is under way.
    func claimHasEnded() async {
        guard isClaiming else { return }
        await withCheckedContinuation { claimWaiters.append($0) }
    }

    func claimingFailed(_ error: any Error) {
        state.claimFailed(now: time.now())
        log.claimingFailed(error)
        noteIfClosed(error)
    }

    /// Claims blocked deliveries of keys that are free again, once those are surely stored as blocked.
    private func claimTurnedKeys() async -> Bool {
        guard unsettled.count == 0, !keysToClaim.isEmpty else { return false }
        let keys = Set(keysToClaim)
        keysToClaim = []
        do {
            let claimed = try await storage.claimBlocked(
                subscription: subscription.name, orderingKeys: keys, limitPerKey: 16)
            for key in keys {
                let deliveries = claimed[key] ?? []
                state.claimedBlocked(deliveries.count)
                follow(ordering.admitBlocked(deliveries, key: key))
            }
            return true
        } catch {
            keysToClaim.append(contentsOf: keys)
            claimingFailed(error)
            return false
        }
    }
}

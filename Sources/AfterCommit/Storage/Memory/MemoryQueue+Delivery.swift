import DequeModule
import Foundation

/// Claiming, settling and trimming.
extension MemoryQueue {
    /// Hands out these, wherever they wait.
    mutating func claim(_ sequences: [UInt64], subscription name: String) -> [ClaimedDelivery] {
        sequences.compactMap { sequence in
            let logged = sequence >= firstSequence && sequence < tail ? log[Int(sequence - firstSequence)] : nil
            return subscriptions[name]?.claim(sequence, logged: logged)
        }
    }

    mutating func claim(_ request: ClaimRequest) -> ClaimedBatch {
        guard var subscription = subscriptions.removeValue(forKey: request.subscription) else {
            return ClaimedBatch()
        }
        let settledBefore = subscription.cursor.settledBelow
        var batch = ClaimedBatch()
        let hasNew = request.includesNew && subscription.cursor.hasClaimable(below: tail)
        let dueLimit = hasNew ? max(1, request.limit / 2) : request.limit
        subscription.claimDue(now: request.now, limit: dueLimit, into: &batch)
        if request.includesNew {
            while batch.deliveries.count < request.limit,
                let sequence = subscription.cursor.claimNext(below: tail)
            {
                let box = log[Int(sequence - firstSequence)]
                if subscription.handles(box.envelope.type) {
                    batch.deliveries.append(ClaimedDelivery(sequence: sequence, box: box))
                } else {
                    subscription.cursor.settle([sequence])
                }
            }
        }
        batch.hasMore = subscription.cursor.hasClaimable(below: tail)
        batch.reached = subscription.cursor.reached
        subscriptions[request.subscription] = subscription
        // Events of types it does not handle may have made room.
        if subscription.cursor.settledBelow > settledBefore { settledFurther(from: settledBefore) }
        return batch
    }

    mutating func settle(_ batch: SettlementBatch, now: Date) -> (report: SettlementReport, change: StorageChange) {
        guard var subscription = subscriptions.removeValue(forKey: batch.subscription) else {
            return (SettlementReport(), [])
        }
        let settledBefore = subscription.cursor.settledBelow
        let exceptionsBefore = subscription.exceptions.count
        var report = subscription.settle(batch, maxDeadLetters: configuration.maxDeadLetters)
        exceptionCount += subscription.exceptions.count - exceptionsBefore
        subscriptions[batch.subscription] = subscription
        var change: StorageChange = []
        for emission in batch.emissions(without: report.stale) {
            // Past the capacity, which handlers must not wait for: what is in flight bounds it.
            do throws(EmitError) {
                change.formUnion(store(try withoutKnown([emission], now: now).fresh, now: now))
            } catch {
                report.refusedEmissions.append(emission.deduplication?.key ?? "")
            }
        }
        settledFurther(from: settledBefore)
        return (report, change)
    }

    /// Settles one delivery as delivered.
    mutating func settle(_ delivery: DeliveryID, now: Date) {
        _ = settle(SettlementBatch(subscription: delivery.subscription, delivered: [delivery.sequence]), now: now)
    }

    /// Whether somebody has the delivery in hand.
    func isClaimed(_ delivery: DeliveryID) -> Bool {
        subscriptions[delivery.subscription]?.isClaimed(delivery.sequence) ?? false
    }

    func isSettled(_ delivery: DeliveryID) -> Bool {
        subscriptions[delivery.subscription]?.isSettled(delivery.sequence) ?? true
    }

    /// A subscription has settled what came after `before`: if it was the last, there is room.
    mutating func settledFurther(from before: UInt64) {
        if before <= floor { settledFurther() }
    }

    mutating func settledFurther() {
        var settled = tail
        for name in attached { settled = min(settled, subscriptions[name]?.cursor.settledBelow ?? settled) }
        floor = settled
        trim()
    }

    /// Forgets settled events beyond those retained, many at a time.
    mutating func trim() {
        let removable = min(Int(floor - firstSequence), log.count - configuration.retainedEvents)
        guard removable > max(256, configuration.retainedEvents / 4) else { return }
        log.removeFirst(removable)
        firstSequence += UInt64(removable)
    }

    // MARK: Dead letters

    mutating func redrive(_ ids: [DeliveryID], now: Date) -> [DeliveryID] {
        ids.filter { id in
            let redriven = subscriptions[id.subscription]?.redrive(id.sequence, now: now) ?? false
            if redriven { exceptionCount += 1 }
            return redriven
        }
    }

    mutating func deleteDeadLetters(_ ids: [DeliveryID]) -> [DeliveryID] {
        ids.filter { subscriptions[$0.subscription]?.deleteDeadLetter($0.sequence) ?? false }
    }
}

import Foundation

/// How deliveries are called off.
extension DeliveryWorker {
    /// Makes dead letters of deliveries wherever they are, and returns once that is stored.
    func cancel(_ sequences: Set<UInt64>) async throws -> [UInt64] {
        takeHarvest()
        // Running ones end with the harvest that follows.
        let (unbegun, running) = queue.cancel(sequences)
        var taken = unbegun + ordering.takeHeld(sequences)
        takeHarvest()
        let found = Set(taken.map(\.sequence)).union(running)
        let waiting = try await storage.claim(
            sequences.subtracting(found).sorted(), subscription: subscription.name)
        state.claimedBlocked(waiting.count)
        taken += waiting
        let now = wallClock.now()
        for delivery in taken {
            decide(
                EndedAttempt(
                    delivery: delivery, startedAt: now, duration: .zero, result: .cancelled, isProbe: false))
        }
        for next in ordering.unblock(sequences: Set(waiting.map(\.sequence))) { follow(next) }
        let cancelled = taken.map(\.sequence) + running
        guard !cancelled.isEmpty else { return [] }
        // A transactional handler may have been quicker: what it committed was not called off.
        let stale = Set(try await settled())
        return cancelled.filter { !stale.contains($0) }
    }

    /// Waits until all that is decided is stored.
    /// - Returns: what was settled otherwise before.
    private func settled() async throws -> [UInt64] {
        guard !hasEnded else { throw EventEngine.ended }
        return try await withCheckedThrowingContinuation { continuation in
            settleWaiters.append(continuation)
            signal.notify()
        }
    }
}

import Foundation

/// How deliveries are called off.
extension DeliveryWorker {
    /// Makes dead letters of deliveries wherever they are, and returns once that is stored.
    func cancel(_ sequences: Set<UInt64>) async throws -> [UInt64] {
        let cancelled = try await cancelOnce(sequences)
        // One that went from a lane back into the storage meanwhile, or was on its way out of it, is looked for once more.
        let rest = sequences.subtracting(cancelled)
        guard !rest.isEmpty else { return cancelled }
        await claimHasEnded()
        return cancelled + (try await cancelOnce(rest))
    }

    private func cancelOnce(_ sequences: Set<UInt64>) async throws -> [UInt64] {
        // First what nobody holds. After it nothing suspends until what is decided is waited for: a settle in between
        // would have nothing left to tell of.
        let waiting = try await storage.claim(sequences.sorted(), subscription: subscription.name)
        state.claimedBlocked(waiting.count)
        guard !hasEnded else {
            await release(waiting)
            throw EventEngine.ended
        }
        takeHarvest()
        // Running ones end with the harvest that follows.
        let (unbegun, running) = queue.cancel(sequences)
        let taken = waiting + unbegun + ordering.takeHeld(sequences) + takeSuspects { sequences.contains($0) }
        ordering.forgetBlocked(waiting.filter(\.wasBlocked))
        takeHarvest()
        let now = wallClock.now()
        for delivery in taken {
            decide(
                EndedAttempt(
                    delivery: delivery, startedAt: now, duration: .zero, result: .cancelled, isProbe: false))
        }
        for next in ordering.unblock(sequences: Set(waiting.map(\.sequence))) { follow(next) }
        let cancelled = taken.map(\.sequence) + running
        guard !cancelled.isEmpty else {
            // A harvest was taken all the same.
            signal.notify()
            return []
        }
        // A transactional handler may have been quicker: what it committed was not called off.
        let stale = Set(try await settled())
        return cancelled.filter { !stale.contains($0) }
    }

    /// Waits until all that is decided is stored.
    /// - Returns: what was settled otherwise before.
    private func settled() async throws -> [UInt64] {
        guard !hasEnded else { throw EventEngine.ended }
        lastWaiterID += 1
        let id = lastWaiterID
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    settleWaiters[id] = continuation
                    newSettleWaiters.append(id)
                }
                if hasBegun { signal.notify() } else { settleWithoutLoop() }
            }
        } onCancel: {
            Task { await self.giveUpSettleWait(id) }
        }
    }

    /// Before the loop begins nobody else settles. A failure is told to those who wait, and the loop tries again.
    private func settleWithoutLoop() {
        Task {
            if unsettled.count > 0 { try? await settleDecided() }
        }
    }

    private func giveUpSettleWait(_ id: UInt64) {
        settleWaiters.removeValue(forKey: id)?.resume(throwing: CancellationError())
    }
}

import Synchronization

/// How keys go on whose dead letter is gone.
extension DeliveryWorker {
    /// Dead letters were deleted: keys they blocked go on.
    package func deadLettersDeleted(_ sequences: Set<UInt64>) {
        for next in ordering.unblock(sequences: sequences) { follow(next) }
        signal.notify()
    }

    /// Whether keys may be free without knowing it.
    var mustLookAtDeadLetters: Bool {
        haveDeadLettersChanged.load(ordering: .sequentiallyConsistent) && !ordering.awaited.isEmpty
    }

    /// Lets keys go on whose dead letter was deleted behind the engine's back, by another process say, or whose row is gone
    /// with what was to be tried again. A redriven one is not gone: it comes again, and its key waits for it.
    func freeKeysOfDeletedLetters(now: Duration) async {
        guard haveDeadLettersChanged.load(ordering: .sequentiallyConsistent) else { return }
        // Only what is surely stored may be missed there.
        guard unsettled.count == 0, settlesUnderWay == 0, state.mayClaim(now: now) else { return }
        haveDeadLettersChanged.store(false, ordering: .sequentiallyConsistent)
        let awaited = ordering.awaited
        guard !awaited.isEmpty else { return }
        do {
            let gone = try await storage.settled(among: awaited, subscription: subscription.name)
            if !gone.isEmpty { deadLettersDeleted(Set(gone)) }
        } catch {
            haveDeadLettersChanged.store(true, ordering: .sequentiallyConsistent)
            claimingFailed(error)
        }
    }
}

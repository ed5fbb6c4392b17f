import Logging

extension EventEngine {
    /// Calls deliveries off, wherever they are: waiting, retrying, blocked or running. They become dead letters with the
    /// reason `cancelled`, so that nothing vanishes; a running handler is cancelled, and whatever it answers is refused.
    ///
    /// Ids that are settled, dead or unknown are skipped.
    /// - Returns: those that were called off, once that is stored; the engine need not run for it.
    /// - Throws: what the storage threw; `CancellationError` where this call's task is cancelled. What was called off until
    ///   then stays called off, and is stored when the storage takes it.
    @discardableResult
    public func cancel(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        var cancelled: [DeliveryID] = []
        for worker in workers {
            let name = worker.subscription.name
            let sequences = ids.filter { $0.subscription == name }.map(\.sequence)
            guard !sequences.isEmpty else { continue }
            cancelled += try await worker.cancel(Set(sequences)).sorted()
                .map { DeliveryID(subscription: name, sequence: $0) }
        }
        return cancelled
    }

    /// Deletes delayed events whose moment has not come.
    /// - Returns: those that were deleted.
    @discardableResult
    public nonisolated func cancelDelayed(_ ids: [EventID]) async throws -> [EventID] {
        try await storage.cancelDelayed(ids)
    }

    /// Forgets a subscription that is gone from the code, with all that waits for it and its dead letters.
    /// - Returns: what was forgotten; `nil` where it has no place.
    /// - Throws: ``EngineError`` with `invalidConfiguration` for one that this engine delivers to; ``StorageError`` with
    ///   `storeBusy` while an engine of another process delivers from the storage.
    @discardableResult
    public func forgetSubscription(_ name: String) async throws -> DeliveryCounts? {
        guard !subscriptions.contains(where: { $0.name == name }) else {
            throw EngineError(
                .invalidConfiguration,
                "this engine delivers to \(name.debugDescription); take it out of the code first")
        }
        let counts = try await storage.removeSubscription(name)
        if let counts {
            logger.warning(
                "an orphaned subscription was forgotten",
                metadata: [
                    LogKey.subscription: "\(name)", LogKey.count: "\(counts.pending + counts.deadLettered)",
                ])
        }
        return counts
    }
}

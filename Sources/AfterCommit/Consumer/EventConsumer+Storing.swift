extension EventConsumer {
    /// Stores what of the messages are events, and what of them are none.
    /// - Returns: what the broker is to be told.
    func store(_ batch: MessageBatch) async throws -> [MessageSettlement] {
        let messages = batch.messages
        let report = try await receive(batch.events)
        totals.duplicates += report.duplicates.count
        totals.taken += batch.events.count - report.duplicates.count - report.refused.count
        // What the storage does not take as an event is kept as a message that is none.
        var unread = batch.unread
        for (index, refusal) in report.refused { unread[batch.positions[index]] = refusal }
        var settlements = messages.map { MessageSettlement($0.receipt, .accepted) }
        guard !unread.isEmpty else { return settlements }
        for (position, refusal) in try await keep(unread, of: messages) {
            log.rejected("\(refusal)")
            settlements[position].outcome = .rejected(reason: "\(refusal)")
        }
        return settlements
    }

    /// Stores messages that are no events, each as the dead letter it will be.
    /// - Returns: what cannot be stored even so, by position.
    private func keep(
        _ unread: [Int: any Error], of messages: [IncomingMessage]
    ) async throws -> [Int: EmitError] {
        let positions = unread.keys.sorted()
        let envelopes = storage.envelopes
        let emissions = positions.compactMap { position in
            unread[position].map { reason in
                log.unreadable(reason)
                return reading.unreadable(
                    messages[position], reason: reason, id: envelopes.ids.next(), now: envelopes.wallClock.now())
            }
        }
        let report = try await receive(emissions)
        totals.unreadable += emissions.count - report.refused.count
        totals.rejected += report.refused.count
        return Dictionary(
            report.refused.map { (positions[$0.key], $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// Stores them, however often that must be tried. Where all of them find no room, some may.
    private func receive(_ emissions: [Emission]) async throws -> ReceiveReport {
        var report = ReceiveReport()
        var stored = 0
        var size = emissions.count
        while stored < emissions.count {
            let part = Array(emissions[stored..<min(stored + size, emissions.count)])
            do {
                let partial = try await storage.receive(part)
                log.storageTook()
                storageRetry.succeeded()
                report.duplicates += partial.duplicates.map { $0 + stored }
                for (index, refusal) in partial.refused { report.refused[index + stored] = refusal }
                stored += part.count
            } catch let error as StorageError where error.code == .storageFull && size > 1 {
                size = (size + 1) / 2
            } catch {
                try await hold(error)
            }
        }
        return report
    }

    /// Waits before the storage is asked again that has just failed.
    /// - Throws: the error of a storage that will never answer.
    func hold(_ error: any Error) async throws {
        if let error = error as? StorageError, [.closed, .needsOutbox].contains(error.code) { throw error }
        try Task.checkCancellation()
        log.storageRefused(error)
        try await time.sleep(until: time.now() + storageRetry.failed())
    }

    func settle(_ settlements: [MessageSettlement]) async {
        do {
            try await source.settle(settlements)
        } catch {
            log.settlingFailed(error, count: settlements.count)
        }
    }
}

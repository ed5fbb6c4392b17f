import AfterCommit
import Foundation

/// A dead letter and its compensation are one commit.
extension ConformanceSuite {
    static let compensationCommitCases: [ConformanceCase] = [
        ConformanceCase(
            .settlingFails, "a dead letter that could not be stored is compensated once it is", requires: beside
        ) { run in
            let storage = try await run.storage()
            let faulty = FaultInjectingStorage(storage)
            let undo = RecordingHandler<ConformanceEvent>()
            faulty.failSettles(3)
            try await run.running(faulty, [failing().compensated(by: undo.compensation())]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await engine.waitUntilIdle()
                try requireEqual(try await engine.counts("undo"), DeliveryCounts(), "before the dead letter is stored")
                try requireEqual(try await engine.totals().compensated, 0)
                try await run.pass(.seconds(3), step: .milliseconds(100), engine)
                try requireEqual(faulty.failedCount, 3)
                try requireEqual(undo.numbers, [1])
                try requireEqual(try await engine.totals().compensated, 1)
            }
        },
        ConformanceCase(
            .leases, "what was settled otherwise before is not compensated", requires: beside
        ) { run in
            let storage = try await run.storage()
            let compensation = RecordingHandler<ConformanceEvent>().compensation()
            _ = try await storage.attach(
                [
                    SubscriptionRegistration(name: "recorder", types: [EventTypePattern(ConformanceEvent.type)]),
                    SubscriptionRegistration(name: "undo", types: compensation.subscription.types),
                ], wake: { _ in })
            defer { storage.detach() }
            try await run.emit(contentsOf: [1, 2].map { ConformanceEvent(number: $0) }, storage)
            let claimed = try await run.claim(2, for: "recorder", from: storage).sorted { $0.sequence < $1.sequence }
            _ = try await storage.settle(
                SettlementBatch(subscription: "recorder", delivered: [claimed[0].sequence]))
            let report = try await storage.settle(claimed.asDead(compensation, in: storage))
            try requireEqual(report.stale, [claimed[0].sequence])
            try requireEqual(try await storage.counts(subscription: "undo").pending, 1)
            let emitted = try await run.claim(1, for: "undo", from: storage)
            try requireEqual(
                emitted.map { $0.envelope.headers["causationid"] }, [String(describing: claimed[1].envelope.id)])
        },
        ConformanceCase(
            .crash, "a compensation that was stored with its dead letter is delivered by the next process",
            requires: beside.union(.durable)
        ) { run in
            let storage = try await run.storage()
            let never = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [failing().compensated(by: never.compensation())]) { engine in
                try await engine.pause("undo")
                try await run.emit(contentsOf: [1, 2].map { ConformanceEvent(number: $0) }, engine)
                try await engine.drain()
                try requireEqual(try await engine.counts("recorder").deadLettered, 2)
            }
            try requireEqual(never.numbers, [])
            let reopened = try await run.reopen(storage)
            let undo = RecordingHandler<ConformanceEvent>()
            try await run.running(reopened, [failing().compensated(by: undo.compensation())]) { engine in
                try await engine.drain()
                try requireEqual(undo.numbers.sorted(), [1, 2])
                // The key outlives the process as well.
                try await engine.redrive(matching: DeadLetterQuery())
                try await engine.drain()
                try requireEqual(undo.numbers.sorted(), [1, 2])
            }
        },
        ConformanceCase(
            .crash, "a process that ends before its dead letter is stored compensates nothing",
            requires: beside.union(.durable)
        ) { run in
            let storage = try await run.storage()
            let faulty = FaultInjectingStorage(storage)
            faulty.failSettles(1_000_000)
            let tried = RecordingHandler<ConformanceEvent> { _, _ in throw HandlerOutcome.permanent(Refusal()) }
            let undo = RecordingHandler<ConformanceEvent>()
            let engine = try await run.engine(faulty, [tried.subscription().compensated(by: undo.compensation())])
            let running = Task { try await engine.run() }
            try await run.emit(ConformanceEvent(number: 1), engine)
            await tried.waitForCalls(1)
            let reopened = try await run.reopen(storage)
            running.cancel()
            _ = await running.result
            let mended = RecordingHandler<ConformanceEvent>()
            try await run.running(reopened, [mended.subscription().compensated(by: undo.compensation())]) { engine in
                try await engine.drain()
                try requireEqual(mended.numbers, [1])
                try requireEqual(undo.numbers, [])
            }
        },
        ConformanceCase(.configuration, "a compensation in a status column does not start", requires: .statusColumn) {
            run in
            let storage = try await run.storage()
            let undo = RecordingHandler<ConformanceEvent>()
            try await requireThrows(
                "a compensation is refused, and the outbox named",
                matching: { error in
                    guard let error = error as? StorageError, error.code == .needsOutbox else { return false }
                    return error.message.contains("compensation") && error.message.contains("outbox")
                }
            ) { _ = try await run.engine(storage, [failing().compensated(by: undo.compensation())]) }
            // Nothing of the refused one is left in the way.
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 0), engine)
                try await engine.drain()
                try requireEqual(handler.numbers, [0])
            }
        },
    ]
}

extension [ClaimedDelivery] {
    /// All dead and compensated, as a worker settles them.
    fileprivate func asDead(_ compensation: Compensation, in storage: any EventStorage) -> SettlementBatch {
        let now = storage.envelopes.wallClock.now()
        var batch = SettlementBatch(subscription: "recorder")
        for delivery in self {
            let letter = DeadLetter(
                id: DeliveryID(subscription: "recorder", sequence: delivery.sequence), envelope: delivery.envelope,
                reason: .exhausted, history: DeliveryHistory(attempts: 1), deadSince: now, blocksKey: false)
            batch.exceptions.append(Settlement(delivery: delivery, outcome: .deadLettered(letter)))
            batch.emitted.append(
                .init(
                    by: delivery.sequence,
                    compensation.emission(
                        for: letter, id: storage.envelopes.ids.next(), time: now, source: storage.envelopes.source)))
        }
        return batch
    }
}

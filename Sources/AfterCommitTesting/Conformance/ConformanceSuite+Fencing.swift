import AfterCommit
import Foundation

/// Outcomes that come too late.
extension ConformanceSuite {
    static let fencingCases: [ConformanceCase] = [
        ConformanceCase(.leases, "a stale outcome is refused and counted, and brings nothing back") { run in
            let storage = try await run.storage()
            let exhausted = Counters()
            let named = RecordingHandler<Named>()
            let emits = run.can([.handlersEmit, .manyEventTypes, .manySubscriptions])
            // While the handler works, its delivery is settled by somebody else.
            let handler = RecordingHandler<ConformanceEvent> { event, context in
                guard event.number < 4 else { return }
                if emits { try context.emit(Named(name: "\(event.number)")) }
                _ = try await storage.settle(
                    SettlementBatch(subscription: "recorder", delivered: [context.delivery.sequence]))
                switch event.number {
                case 0: break
                case 1: throw Refusal()
                case 2: throw HandlerOutcome.permanent(Refusal())
                default: throw HandlerOutcome.unknownType("not yet")
                }
            }
            let subscription = Subscription(
                "recorder", to: ConformanceEvent.self, onExhausted: { _ in exhausted.increment("called") }
            ) { try await handler($0, $1) }
            let subscriptions = emits ? [subscription, named.subscription()] : [subscription]
            try await run.running(storage, subscriptions) { engine in
                try await run.emit(
                    contentsOf: (0..<10).map { ConformanceEvent(number: $0, key: "key-\($0 % 5)") }, engine)
                try await run.pass(.seconds(10), engine)
                try await engine.drain()
                let totals = try await engine.totals()
                try requireEqual(totals.staleSettles, 4)
                try requireEqual(handler.calls.count, 10, "attempts")
                try requireEqual(try await engine.counts(), DeliveryCounts(), "their keys go on")
                try requireEqual(exhausted.value("called"), 0)
                try requireEqual(named.names, [], "what a refused attempt emitted")
            }
        },
        ConformanceCase(.leases, "a storage refuses what is settled already, and records the rest of the batch") {
            run in
            let storage = try await run.storage()
            let registration = SubscriptionRegistration(
                name: "recorder", types: EventTypeSelection(types: [ConformanceEvent.type]))
            _ = try await storage.attach([registration]) { _ in }
            try await run.emit(contentsOf: (0..<4).map { ConformanceEvent(number: $0) }, storage)
            let now = run.clock.wallClock.now()
            let claimed = try await run.claim(4, for: "recorder", from: storage)
            func settle(_ delivered: [Int], _ retrying: [Int]) async throws -> [UInt64] {
                try await storage.settle(
                    SettlementBatch(
                        subscription: "recorder", delivered: delivered.map { claimed[$0].sequence },
                        exceptions: retrying.map {
                            Settlement(
                                delivery: claimed[$0],
                                outcome: .retrying(due: now, history: DeliveryHistory(attempts: 1)))
                        })
                ).stale.sorted()
            }
            try requireEqual(try await settle([0, 1], []), [])
            try requireEqual(try await settle([0, 2], [1, 3]), [claimed[0].sequence, claimed[1].sequence])
            var counts = try await storage.counts(subscription: "recorder")
            counts.oldestPending = nil
            try requireEqual(counts, DeliveryCounts(retrying: 1))
            let due = try await run.claim(1, for: "recorder", from: storage)
            try requireEqual(due.map(\.sequence), [claimed[3].sequence])
            try requireEqual(try await settle([3], []), [])
            try requireEqual(try await settle([], [3]), [claimed[3].sequence])
            storage.detach()
        },
    ]
}

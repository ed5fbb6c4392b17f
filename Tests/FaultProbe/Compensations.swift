import AfterCommit
import Logging
import TestSupport

extension FaultProbe {
    struct Order: Event {
        static let type: EventType = "order.placed"
        var number: Int
    }

    /// Where it waits for its end.
    enum CompensationHold: String {
        /// Once the dead letters are stored, before a compensation begins.
        case dead
        /// Between a compensation's effect and its settlement.
        case effect
        /// Nowhere.
        case none
        /// Nowhere, and redrives the dead letters once all is done: they die again.
        case redrive
    }

    /// `compensations PLACE DATABASE FIRST COUNT HOLD`: places so many orders, numbered from a first, that a platform refuses
    /// for good, and cancels each: once through the inbox, once inside the transaction that settles the compensation.
    static func compensations(_ place: String, _ rest: [String]) async throws {
        let numbers = rest.dropFirst().compactMap(Int.init)
        guard rest.count == 4, numbers.count == 2, let database = EffectRounds.Database(rawValue: rest[0]),
            let hold = CompensationHold(rawValue: rest[3])
        else { fail("compensations PLACE DATABASE FIRST COUNT dead|effect|none|redrive") }
        let storage = try await openStorage(database, at: place)
        try await storage.prepareEffects()
        try await compensate((numbers[0]..<numbers[0] + numbers[1]).map { Order(number: $0) }, hold, storage)
    }

    private struct Refused: Error {}

    private static func compensate(
        _ orders: [Order], _ hold: CompensationHold, _ storage: some EffectStorage
    ) async throws {
        // The deliveries of one that was killed are free again after its lease.
        let policy = DeliveryPolicy(
            maxRetries: 20, timeout: storage.leaseDuration.map { $0 * 0.8 } ?? .seconds(30), concurrency: 8)
        var refusing = policy
        refusing.maxRetries = 0
        let throughInbox = Compensation("cancel", of: Order.self, policy: policy) { order, context in
            let isNew = try await storage.once(context.idempotencyKey) { tx in
                try tx.addEffect("cancelled \(order.number)")
            }
            tell("\(isNew ? "cancelled" : "again") \(order.number)")
            guard hold == .effect, isNew else { return }
            tell("held")
            // Whoever holds it here kills it.
            try await Task.sleep(for: .seconds(60))
        }
        let inside = storage.compensation("cancel-inside", of: Order.self, policy: policy) { order, tx, _ in
            try tx.addEffect("cancelled inside \(order.number)")
        }
        // A breaker would park what is to die.
        let platform = Subscription(
            "platform", to: Order.self, policy: refusing, endpoint: Endpoint("platform", breaker: nil),
            onExhausted: { _ in tell("dead") },
            handler: { _, _ in throw Refused() })
        let engine = try await EventEngine(
            storage: storage, logger: Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() },
            subscriptions: [platform.compensated(by: throughInbox).compensated(by: inside)])
        if hold == .dead { for name in ["cancel", "cancel-inside"] { try await engine.pause(name) } }
        try await engine.emit(contentsOf: orders)
        let running = Task { try await engine.run() }
        try await drain(engine, isHeld: hold == .dead)
        if hold == .redrive {
            try await engine.redrive(matching: DeadLetterQuery(limit: 10_000))
            try await drain(engine, isHeld: false)
        }
        let times = try await storage.timesOfEffects()
        let once = times.filter { $0 == 1 }.count
        let dead = try await engine.deadLetters(DeadLetterQuery(limit: 10_000)).map(\.id.subscription)
        tell("drained \(once) \(times.count - once) \(dead.filter { $0 == "platform" }.count) \(dead.count)")
        while readLine() != nil {}
        running.cancel()
        try await running.value
        await storage.close()
    }

    private static func drain(_ engine: EventEngine, isHeld: Bool) async throws {
        var counts: [DeliveryCounts] = []
        repeat {
            try await engine.drain()
            counts = try await engine.status().map(\.counts)
            // What a killed one had claimed comes back after its lease.
        } while try await isLeft(isHeld ? Array(counts.prefix(1)) : counts)
    }
}

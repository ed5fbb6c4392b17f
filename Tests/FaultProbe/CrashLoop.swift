import AfterCommit
import Logging
import Synchronization
import TestSupport

extension FaultProbe {
    /// `crash-loop PLACE DATABASE NUMBER...`: delivers 64 events at once, of which these end the process whenever they are
    /// handled.
    static func crashLoop(_ place: String, _ rest: [String]) async throws {
        guard let database = rest.first.flatMap(EffectRounds.Database.init), database != .postgres else {
            fail("crash-loop PLACE lmdb|sqlite NUMBER...")
        }
        let storage = try await openStorage(database, at: place)
        try await crashLoop(on: storage, Set(rest.dropFirst().compactMap(Int.init)))
        await storage.close()
    }

    private static func crashLoop(on storage: some EventStorage, _ poison: Set<Int>) async throws {
        let isFirst = try await storage.registeredSubscriptions().isEmpty
        let running = Atomic(0)
        let engine = try await EventEngine(
            storage: storage, logger: Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() },
            subscriptions: [
                Subscription("handler", to: Probed.self, policy: DeliveryPolicy(concurrency: 64)) { event, _ in
                    running.add(1, ordering: .sequentiallyConsistent)
                    if isFirst {
                        // All are in flight when the process dies.
                        while running.load(ordering: .sequentiallyConsistent) < 64 { await Task.yield() }
                    }
                    if poison.contains(event.number) { fatalError("the handler of event \(event.number) traps") }
                    if isFirst { try await Task.sleep(for: .seconds(60)) }
                    tell("handled \(event.number)")
                }
            ])
        if isFirst {
            try await engine.emit(contentsOf: (0..<64).map { Probed(process: "crash-loop", number: $0) })
        }
        try await engine.drain()
        for letter in try await engine.deadLetters() {
            let event = try storage.coder.decode(Probed.self, from: try letter.envelope.bytes(using: storage.coder))
            tell("dead \(letter.reason) \(event.number)")
        }
        let delivered = try await engine.deliveries(DeliveryQuery(state: .delivered, limit: 1_000)).count
        tell("delivered \(delivered)")
    }
}

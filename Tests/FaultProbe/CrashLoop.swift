#if LMDB
import AfterCommit
import AfterCommitLMDB
import Logging
import Synchronization

extension FaultProbe {
    /// `crash-loop FOLDER`: delivers 64 events at once, of which one ends the process whenever it is handled.
    static func crashLoop(_ folder: String) async throws {
        let poison = 13
        let storage = try LMDBStorage(path: folder)
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
                    if event.number == poison { fatalError("the handler of event \(poison) traps") }
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
        await storage.close()
    }
}
#endif

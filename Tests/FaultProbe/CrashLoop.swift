import AfterCommit
import AfterCommitLMDB
import AfterCommitSQLite
import Logging
import Synchronization
import TestSupport

extension FaultProbe {
    /// `crash-loop PLACE DATABASE NUMBER...`: delivers 64 events at once, of which these end the process whenever they are
    /// handled.
    static func crashLoop(_ place: String, _ rest: [String]) async throws {
        let poison = Set(rest.dropFirst().compactMap(Int.init))
        switch rest.first.flatMap(EffectRounds.Database.init) {
        case .lmdb:
            #if LMDB
            let storage = try LMDBStorage(path: place)
            try await crashLoop(on: storage, poison)
            await storage.close()
            #else
            fail("built without LMDB")
            #endif
        case .sqlite:
            #if SQLite
            let storage = try await openSQLite(place)
            try await crashLoop(on: storage, poison)
            await storage.close()
            #else
            fail("built without SQLite")
            #endif
        case .postgres, nil: fail("crash-loop PLACE lmdb|sqlite NUMBER...")
        }
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
                    if poison.contains(event.number) { fatalError("the handler of event \(poison) traps") }
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
        let counts = try await engine.status().map(\.counts)
        tell("left \(counts.map { $0.pending + $0.retrying + $0.blocked + $0.parked }.reduce(0, +))")
    }
}

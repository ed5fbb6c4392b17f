#if LMDB
import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import Synchronization
import Testing

@testable import AfterCommitLMDB

/// FAULT 50: a mountain of events behind an open breaker, a tenth of it to be quick.
@Suite struct FaultOpenBreakerTests {
    private static let count = 100_000

    @Test(.timeLimit(.minutes(5))) func fault50EventsBehindAnOpenBreakerWriteNoRowEach() async throws {
        try await withStorePath { path in
            let clock = ManualClock()
            let storage = try LMDBStorage(
                path: path, configuration: .init(mapReserveBytes: 4 << 30),
                envelopes: EnvelopeFactory(wallClock: clock.wallClock))
            let isUp = Atomic(false)
            let delivered = Atomic(0)
            let begun = Atomic(0)
            let subscription = Subscription("platform", to: OrderPlaced.self) { _, _ in
                begun.add(1, ordering: .relaxed)
                guard isUp.load(ordering: .relaxed) else { throw Refusal() }
                delivered.add(1, ordering: .relaxed)
            }
            let engine = try await EventEngine(
                storage: storage, logger: Logger(label: "fault") { _ in SwiftLogNoOpLogHandler() }, clock: clock,
                wallClock: clock.wallClock, random: Xoshiro256(seed: 3), subscriptions: [subscription])
            let running = Task { try await engine.run() }
            for start in stride(from: 0, to: Self.count, by: 1_000) {
                try await engine.emit(contentsOf: (start..<start + 1_000).map { OrderPlaced(number: $0) })
            }
            try await engine.waitUntilIdle()
            #expect(try await engine.status().first?.breaker == .open)
            let failures = begun.load(ordering: .relaxed)
            #expect(failures < 100)
            let pages = try storage.context.environment.highWaterBytes()
            // Ten minutes of probes that fail.
            for _ in 0..<60 {
                clock.advance(by: .seconds(10))
                try await engine.waitUntilIdle()
            }
            #expect(begun.load(ordering: .relaxed) > failures, "nothing probed")
            let rows = try await storage.entries(of: \.exceptions)
            #expect(rows <= failures, "rows of those that were charged before it opened")
            #expect(try await storage.entries(of: \.dead) == 0)
            #expect(try storage.context.environment.highWaterBytes() - pages < 1 << 20, "the file grew")
            var place = try #require(storage.context.deliveries.cursor("platform"))
            let first = place.settledBelow
            let next = place.claimNext(below: .max) ?? .max
            #expect(next - first <= 1_024 + 100, "deliveries held in memory")
            isUp.store(true, ordering: .relaxed)
            clock.advance(by: .seconds(10))
            // The breaker lets more through bit by bit, and what was charged is due again.
            for _ in 0..<600 where delivered.load(ordering: .relaxed) < Self.count {
                clock.advance(by: .seconds(1))
                try await engine.waitUntilIdle()
            }
            #expect(delivered.load(ordering: .relaxed) == Self.count)
            #expect(try await engine.status().first?.counts == DeliveryCounts())
            running.cancel()
            try await running.value
            await storage.close()
        }
    }
}
#endif

#if Example
import AfterCommit
import Foundation
@testable import PlaceOrder
import Synchronization
import Testing

@Suite("A run that is interrupted")
struct InterruptionTests {
    /// What a run told people.
    private final class Notes: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock(\.self) }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private func run(
        _ choice: StorageChoice, at url: String, orders: Int?, stopwatch: Stopwatch = Stopwatch(),
        interruption: Interruption = Interruption(), note: @escaping @Sendable (String) -> Void
    ) -> OrderRun {
        OrderRun(
            configuration: Shop.Configuration(
                storage: choice, destination: .platform(url: url, timeout: .seconds(30)), logger: Fixtures.logger,
                tellsTemporaryStore: true, note: note),
            orders: orders, platformStats: { nil }, stopwatch: stopwatch, interruption: interruption)
    }

    private func path(in note: String?, after prefix: String) -> String? {
        guard let note, note.hasPrefix(prefix) else { return nil }
        return String(note.dropFirst(prefix.count))
    }

    @Test("keeps a temporary store while something is pending, and a resume delivers it")
    func pending() async throws {
        let platform = MockDataPlatform(knobs: PlatformKnobs(status: .down))
        let notes = Notes()
        let interruption = Interruption()
        try await withPlatform(platform) { url in
            // No time passes on this clock, so the note of a long wait comes at once; it is the moment to interrupt.
            let outcome = try await run(
                .outbox(.lmdb(path: nil)), at: url, orders: 3, stopwatch: Stopwatch(SetClock()),
                interruption: interruption
            ) { line in
                notes.add(line)
                if line.hasPrefix("waiting") { interruption.interrupt() }
            }()
            #expect(!outcome.isComplete)
            #expect(outcome.report.orders == .init(accepted: 3, rejected: 0))
            #expect(outcome.report.deliveries == .init(delivered: 0, deadLettered: 0, pending: 3))
            let folder = try #require(path(in: notes.all.first, after: "temporary store in "))
            #expect(
                Array(notes.all.dropFirst()) == [
                    "waiting for the data platform: 3 deliveries pending, breaker closed",
                    "3 deliveries are pending; deliver with: place-order resume --store \(folder)",
                ])
            #expect(OpenStore.isStore(folder))

            await platform.set(PlatformKnobs())
            let rest = try await run(.outbox(.lmdb(path: folder)), at: url, orders: nil, note: notes.add)()
            #expect(rest.isComplete)
            #expect(rest.report.deliveries == .init(delivered: 3, deadLettered: 0, pending: 0))
            #expect(await platform.stats.distinctOrders == 3)
            #expect(OpenStore.isStore(folder))
            try FileManager.default.removeItem(atPath: folder)
        }
    }

    @Test("places nothing after the interruption and removes a temporary store without anything pending")
    func nothingPending() async throws {
        let notes = Notes()
        let interruption = Interruption()
        interruption.interrupt()
        let outcome = try await withPlatform(MockDataPlatform()) { url in
            try await run(
                .outbox(.lmdb(path: nil)), at: url, orders: 1_000, interruption: interruption, note: notes.add)()
        }
        #expect(outcome.isComplete)
        #expect(outcome.report.orders == .init(accepted: 0, rejected: 0))
        #expect(notes.all.count == 1)
        let folder = try #require(path(in: notes.all.first, after: "temporary store in "))
        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    @Test("cancels what was begun before and after it")
    func cancelling() async throws {
        let interruption = Interruption()
        let (never, feed) = AsyncStream<Void>.makeStream()
        let (begun, beginning) = AsyncStream<Void>.makeStream()
        async let cancelled = interruption.cancelling {
            beginning.finish()
            for await _ in never {}
            return Task.isCancelled
        }
        for await _ in begun {}
        interruption.interrupt()
        #expect(try await cancelled)
        // One that comes later ends just so: its stream would never end by itself.
        try await interruption.cancelling { for await _ in AsyncStream<Void>.makeStream().stream {} }
        feed.finish()
    }
}
#endif

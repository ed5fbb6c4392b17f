import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import Synchronization
import Testing

@Suite struct ClockWatchTests {
    @Test func tellsJumpsFromCorrections() {
        var watch = ClockWatch()
        let begin = Date(timeIntervalSince1970: 1_800_000_000)
        #expect(watch.look(now: .seconds(1), date: begin) == nil)
        #expect(watch.look(now: .seconds(61), date: begin + 60) == nil)
        #expect(watch.look(now: .seconds(62), date: begin + 61 - 30) == nil)
        #expect(watch.look(now: .seconds(63), date: begin + 32 - 3_600) == -3_600)
        #expect(watch.look(now: .seconds(64), date: begin + 33 - 3_600) == nil)
        #expect(watch.look(now: .seconds(65), date: begin + 34 - 3_600 + 86_400) == 86_400)
    }

    @Test func theEngineSaysItInOneLine() async throws {
        struct Ticked: Event { static let type: EventType = "ticked" }
        final class Jumping: WallClock {
            let date = Mutex(Date(timeIntervalSince1970: 1_800_000_000))
            func now() -> Date { date.withLock { $0 } }
        }
        let lines = FaultLines()
        let wallClock = Jumping()
        let clock = ManualClock()
        let engine = try await EventEngine(
            storage: InMemoryStorage(envelopes: EnvelopeFactory(wallClock: wallClock)), logger: lines.logger,
            clock: clock, wallClock: wallClock,
            subscriptions: ["a", "b", "c"].map { Subscription($0, to: Ticked.self) { _, _ in } })
        let running = Task { try await engine.run() }
        try await engine.emit(Ticked())
        try await engine.waitUntilIdle()
        wallClock.date.withLock { $0 -= 3_600 }
        for _ in 0..<3 {
            try await engine.emit(Ticked())
            try await engine.waitUntilIdle()
        }
        #expect(lines.all.filter { $0.contains("the wall clock jumped") }.count == 1)
        running.cancel()
        try await running.value
    }
}

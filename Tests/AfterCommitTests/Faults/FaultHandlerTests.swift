import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import Testing

private struct Numbered: Event {
    static let type: EventType = "numbered"
    var number: Int
}

/// Handlers that misbehave. The numbers are those of the table of faults.
@Suite(.timeLimit(.minutes(1))) struct FaultHandlerTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let clock = ManualClock()

    private func engine(
        logger: Logger? = nil, configuration: EngineConfiguration = EngineConfiguration(),
        concurrency: Int = 2, _ handler: RecordingHandler<Numbered>
    ) async throws -> EventEngine {
        try await EventEngine(
            storage: InMemoryStorage(), logger: logger ?? quiet, configuration: configuration, clock: clock,
            wallClock: clock.wallClock,
            subscriptions: [
                Subscription(
                    "s", to: Numbered.self, policy: DeliveryPolicy(timeout: .seconds(3), concurrency: concurrency)
                ) { try await handler($0, $1) }
            ])
    }

    @Test("24: a handler that hangs is cancelled at its deadline, and its attempt failed")
    func fault24() async throws {
        let cancelled = Latch()
        let clock = clock
        let handler = RecordingHandler<Numbered> { event, context in
            guard event.number == 0, context.attempt == 1 else { return }
            do {
                try await clock.sleep(for: .seconds(3600))
            } catch {
                cancelled.open()
                throw error
            }
        }
        let engine = try await engine(handler)
        let running = Task { try await engine.run() }
        try await engine.emit(contentsOf: (0..<5).map { Numbered(number: $0) })
        await handler.waitForCalls(5)
        clock.advance(by: .seconds(3))
        await cancelled.wait()
        try await engine.waitUntilIdle()
        let retrying = try await engine.deliveries(DeliveryQuery(state: .retrying))
        #expect(retrying.map { $0.history.failures.map(\.errorType) } == [["timeout"]])
        clock.advance(by: .seconds(1))
        try await engine.drain()
        #expect(handler.succeeded.count == 5)
        running.cancel()
        try await running.value
    }

    @Test("25: a handler that ignores cancellation stops neither its subscription nor the shutdown")
    func fault25() async throws {
        let latch = Latch()
        let handler = RecordingHandler<Numbered> { event, context in
            if event.number == 0, context.attempt == 1 { await latch.wait() }
        }
        let engine = try await engine(
            configuration: EngineConfiguration(shutdownGracePeriod: .seconds(2)), concurrency: 1, handler)
        // The group's own maximum is longer: it would end the process.
        let group = ServiceGroup(
            configuration: {
                var configuration = ServiceGroupConfiguration(services: [.init(service: engine)], logger: quiet)
                configuration.maximumGracefulShutdownDuration = .seconds(30)
                return configuration
            }())
        let running = Task { try await group.run() }
        try await engine.emit(contentsOf: (0..<3).map { Numbered(number: $0) })
        await handler.waitForCalls(1)
        clock.advance(by: .seconds(3))
        await handler.waitForCalls(3)
        // Its retry is due a second after its failure was noticed.
        try await engine.waitUntilIdle()
        clock.advance(by: .seconds(1))
        try await engine.drain()
        let status = try #require(try await engine.status().first)
        #expect((status.totals.overstayed, status.totals.refusedResults) == (1, 0))
        #expect(status.totals.delivered == 3)
        await group.triggerGracefulShutdown()
        try await running.value
        latch.open()
    }

    @Test("25: its late result is refused and counted")
    func fault25LateResult() async throws {
        let latch = Latch()
        let handler = RecordingHandler<Numbered> { _, context in
            if context.attempt == 1 { await latch.wait() }
        }
        let engine = try await engine(concurrency: 1, handler)
        let running = Task { try await engine.run() }
        try await engine.emit(Numbered(number: 0))
        await handler.waitForCalls(1)
        clock.advance(by: .seconds(3))
        try await engine.waitUntilIdle()
        latch.open()
        while try await engine.status().first?.totals.refusedResults != 1 { try await engine.waitUntilIdle() }
        #expect(try await engine.status().first?.totals.delivered == 0)
        clock.advance(by: .seconds(1))
        try await engine.drain()
        #expect(try await engine.status().first?.totals.delivered == 1)
        running.cancel()
        try await running.value
    }

    @Test("25: at the shutdown it is given up after the engine's own grace period")
    func fault25Shutdown() async throws {
        let latch = Latch()
        let handler = RecordingHandler<Numbered> { _, _ in await latch.wait() }
        let engine = try await engine(
            configuration: EngineConfiguration(shutdownGracePeriod: .seconds(1)), handler)
        let group = ServiceGroup(services: [engine], logger: quiet)
        let running = Task { try await group.run() }
        try await engine.emit(Numbered(number: 0))
        await handler.waitForCalls(1)
        await group.triggerGracefulShutdown()
        await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(1)))
        clock.advance(by: .seconds(1))
        try await running.value
        #expect(handler.succeeded.isEmpty)
        latch.open()
    }

    @Test(
        "26: a handler that blocks its thread leaves storage and worker live, and is named in one line", .blocksAThread)
    func fault26() async throws {
        let lines = Lines()
        let block = DispatchSemaphore(value: 0)
        let handler = RecordingHandler<Numbered> { event, context in
            if event.number == 0, context.attempt == 1 { Self.blockThread(on: block) }
        }
        let engine = try await engine(logger: lines.logger, handler)
        let running = Task { try await engine.run() }
        try await engine.emit(contentsOf: (0..<20).map { Numbered(number: $0) })
        await handler.waitForCalls(20)
        clock.advance(by: .seconds(3))
        try await engine.waitUntilIdle()
        for number in 20..<40 {
            try await engine.emit(Numbered(number: number))
            try await engine.waitUntilIdle()
        }
        #expect(handler.succeeded.count == 39)
        #expect(
            lines.warnings == [
                "attempts outlived their deadline and still run; a handler blocks its thread or ignores cancellation count=1"
            ])
        block.signal()
        clock.advance(by: .seconds(1))
        try await engine.drain()
        #expect(try await engine.status().first?.totals.delivered == 40)
        running.cancel()
        try await running.value
    }

    /// What a careless handler does.
    private static func blockThread(on semaphore: DispatchSemaphore) {
        semaphore.wait()
    }
}

/// Keeps the warnings that were logged.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var warnings: [String] { lines.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let count = event.metadata?["count"].map { " count=\($0)" } ?? ""
            lines.lines.withLock { $0.append("\(event.message)\(count)") }
        }
    }
}

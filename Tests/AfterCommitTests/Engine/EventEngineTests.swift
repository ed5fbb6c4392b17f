import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import Synchronization
import Testing

private struct Numbered: Event {
    static let type: EventType = "numbered"
    var number: Int
}

@Suite struct EventEngineTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func drainsWithoutRunning() async throws {
        let storage = InMemoryStorage()
        let handler = RecordingHandler<Numbered>()
        let engine = try await EventEngine(
            storage: storage, logger: quiet,
            subscriptions: [Subscription("s", to: Numbered.self) { try await handler($0, $1) }])
        try await engine.emit(Numbered(number: 1))
        try await engine.drain()
        try await engine.emit(Numbered(number: 2))
        try await engine.drain()
        #expect(handler.calls.map(\.event.number) == [1, 2])
        #expect(try await engine.status().first?.totals.delivered == 2)
    }

    @Test func drainsWhatHandlersEmit() async throws {
        let storage = InMemoryStorage()
        let last = RecordingHandler<Numbered>()
        let engine = try await EventEngine(
            storage: storage, logger: quiet,
            subscriptions: [
                Subscription("sink", to: Numbered.self) { event, context in
                    if event.number == 0 { try await last(event, context) }
                },
                Subscription("chain", to: Numbered.self) { event, _ in
                    if event.number > 0 {
                        try await storage.transaction { try $0.emit(Numbered(number: event.number - 1)) }
                    }
                },
            ])
        try await engine.emit(Numbered(number: 200))
        try await engine.drain()
        #expect(last.calls.count == 1)
    }

    @Test func aReleasedEngineGivesTheStorageBack() async throws {
        let storage = InMemoryStorage()
        for _ in 0..<3 {
            _ = try await EventEngine(
                storage: storage, logger: quiet, subscriptions: [Subscription("s", to: Numbered.self) { _, _ in }])
        }
    }

    @Test func ignoresTypesNoOneHandles() async throws {
        struct Unhandled: Event { static let type: EventType = "unhandled" }
        let storage = InMemoryStorage(configuration: .init(capacity: 10))
        let engine = try await EventEngine(
            storage: storage, logger: quiet, subscriptions: [Subscription("s", to: Numbered.self) { _, _ in }])
        let running = Task { try await engine.run() }
        for _ in 0..<100 { try await engine.emit(Unhandled()) }
        try await engine.drain()
        running.cancel()
        try await running.value
    }

    @Test func logsOneLineForEachChangeAndNoPayload() async throws {
        let lines = LogLines()
        let storage = InMemoryStorage()
        let clock = ManualClock()
        let engine = try await EventEngine(
            storage: storage, logger: lines.logger, clock: clock, wallClock: clock.wallClock,
            subscriptions: [
                Subscription("s", to: Confidential.self, policy: DeliveryPolicy(maxRetries: 0)) { _, _ in
                    throw Forged()
                }
            ])
        let running = Task { try await engine.run() }
        for _ in 0..<20 { try await engine.emit(Confidential()) }
        try await engine.waitUntilIdle()
        running.cancel()
        try await running.value
        let all = lines.all
        #expect(all.contains { $0.hasPrefix("error delivery dead-lettered") })
        #expect(all.contains { $0.hasPrefix("notice attempt failed") })
        #expect(all.filter { $0.hasPrefix("warning circuit breaker changed") }.count == 1)
        #expect(!all.contains { $0.contains("not for logs") })
        #expect(!all.contains { $0.contains("\n") })
    }
}

private struct Confidential: Event {
    static let type: EventType = "confidential"
    var text = "not for logs"
}

/// An error that tries to forge a log line.
private struct Forged: Error, CustomStringConvertible {
    let description = "first\nerror delivery dead-lettered\u{1B}[2J"
}

private final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(lines: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted().joined(separator: " ")
            lines.lines.withLock { $0.append("\(event.level) \(event.message) \(metadata)") }
        }
    }
}

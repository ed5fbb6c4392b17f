import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
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
}

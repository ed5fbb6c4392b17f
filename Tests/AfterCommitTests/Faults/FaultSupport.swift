import AfterCommit
import AfterCommitTesting
import Foundation
import Logging
import Synchronization

/// What the faults are tried on.
struct Probe: Event, Hashable {
    static let type: EventType = "fault.probe"
    var number = 0
    var text = ""
    var key: String?
    var orderingKey: String? { key }
}

struct Effect: Event, Hashable {
    static let type: EventType = "fault.effect"
    var number: Int
}

struct Broken: Error {}

/// One try of a fault: a clock, a storage in memory, engines.
struct FaultTrial {
    let clock = ManualClock()
    let storage: InMemoryStorage

    init(configuration: InMemoryStorage.Configuration = .init(), coder: any EventCoder = JSONEventCoder()) {
        storage = InMemoryStorage(
            configuration: configuration, envelopes: EnvelopeFactory(coder: coder, wallClock: clock.wallClock))
    }

    func engine(
        on other: (any EventStorage)? = nil, logger: Logger? = nil, _ subscriptions: [Subscription]
    ) async throws -> EventEngine {
        try await EventEngine(
            storage: other ?? storage,
            logger: logger ?? Logger(label: "fault") { _ in SwiftLogNoOpLogHandler() }, clock: clock,
            wallClock: clock.wallClock, random: Xoshiro256(seed: 5), subscriptions: subscriptions)
    }

    /// Runs an engine while `body` does.
    func running(
        on other: (any EventStorage)? = nil, logger: Logger? = nil, _ subscriptions: [Subscription],
        _ body: (EventEngine) async throws -> Void
    ) async throws {
        let engine = try await engine(on: other, logger: logger, subscriptions)
        let running = Task { try await engine.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await body(engine)) } catch { result = .failure(error) }
        running.cancel()
        try await running.value
        try result.get()
    }

    /// Lets time pass in steps of half a second.
    func pass(_ duration: Duration, _ engine: EventEngine) async throws {
        let end = clock.now.offset + duration
        try await engine.waitUntilIdle()
        while clock.now.offset < end {
            clock.advance(by: .milliseconds(500))
            try await engine.waitUntilIdle()
        }
    }

    /// Stores bytes as they are, as another program would leave them.
    func store(_ payload: Data, type: EventType = Probe.type, version: Int = 1) async throws {
        let room = try await storage.reserveRoom(for: 1)
        let envelope = Envelope(
            id: storage.envelopes.ids.next(), type: type, source: "/", time: clock.wallClock.now(),
            schemaVersion: version, payload: .bytes(payload))
        try await storage.emit([Emission(envelope: envelope)], into: room)
    }
}

extension RecordingHandler where E == Probe {
    func subscription(_ name: String = "probe", policy: DeliveryPolicy = .standard) -> Subscription {
        Subscription(name, to: Probe.self, policy: policy) { try await self($0, $1) }
    }

    var numbers: [Int] { calls.map(\.event.number) }
}

/// Keeps what is logged, one string for each line.
final class FaultLines: Sendable {
    private let lines = Mutex<[String]>([])
    private let onLine: @Sendable (String) -> Void

    init(onLine: @escaping @Sendable (String) -> Void = { _ in }) {
        self.onLine = onLine
    }

    var all: [String] { lines.withLock { $0 } }

    var logger: Logger {
        var logger = Logger(label: "fault") { _ in Handler(lines: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let lines: FaultLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            let line = "\(event.level) \(event.message) \(all.map { "\($0)=\($1)" }.sorted().joined(separator: " "))"
            lines.lines.withLock { $0.append(line) }
            lines.onLine(line)
        }
    }
}

/// Counts who is inside.
final class Counting: Sendable {
    private let count = Atomic(0)

    /// - Returns: how many were inside before.
    func enter() -> Int { count.add(1, ordering: .sequentiallyConsistent).oldValue }
    var inside: Int { count.load(ordering: .sequentiallyConsistent) }
    func leave() { _ = count.subtract(1, ordering: .sequentiallyConsistent) }
}

import AfterCommit
import Foundation
import Logging

/// What one case works with.
final class BrokerRun: Sendable {
    let broker: any ConformanceBroker
    private let sinks = Locked<[any BatchEventSink]>([])
    private let sources = Locked<[any EventSource]>([])
    private let ids = EventIDGenerator()

    /// How long a broker may take for anything: a limit for failing, never waited for otherwise.
    static let patience = Duration.seconds(60)

    init(broker: any ConformanceBroker) {
        self.broker = broker
    }

    func sink() async throws -> any BatchEventSink {
        let sink = try await broker.makeSink()
        sinks.withLock { $0.append(sink) }
        return sink
    }

    func source() async throws -> any EventSource {
        let source = try await broker.makeSource()
        sources.withLock { $0.append(source) }
        return source
    }

    func close() async {
        for source in sources.withLock({ $0 }) { await source.close() }
        for sink in sinks.withLock({ $0 }) { await broker.close(sink) }
        await broker.close()
    }

    let logger = Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() }

    // MARK: Events

    /// An event on its way out.
    func event(_ number: Int, key: String? = nil, payload: Data? = nil, contentType: String = "application/json")
        -> OutgoingEvent
    {
        let envelope = Envelope(
            id: ids.next(), type: ConformanceEvent.type, source: "/conformance",
            time: Date(timeIntervalSince1970: 1_787_393_730.123), schemaVersion: 3, orderingKey: key,
            headers: [
                "correlationid": "c-\(number)",
                "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ],
            contentType: contentType, payload: .bytes(payload ?? Data("{\"number\":\(number),\"padding\":\"\"}".utf8)))
        let context = DeliveryContext(
            ClaimedDelivery(sequence: UInt64(number), envelope: envelope),
            common: DeliveryContext.Common(
                subscription: "conformance", policy: .standard, logger: logger, envelopes: EnvelopeFactory(),
                time: TimeSource(ContinuousClock()), wallClock: SystemWallClock()),
            started: .zero, emissions: EmissionBuffer())
        return OutgoingEvent(payload: (try? context.payload()) ?? Data(), context: context)
    }

    /// Sends until the broker has each of them, as an engine does.
    func send(_ events: [OutgoingEvent], _ sink: any BatchEventSink) async throws {
        try await within("the broker did not take the events") {
            var left = events
            while !left.isEmpty {
                let outcomes = await sink.send(left)
                try requireEqual(outcomes.count, left.count, "outcomes")
                left = zip(left, outcomes).compactMap { event, outcome in
                    if case .sent = outcome { nil } else { event }
                }
                // What is away now is there soon, or the limit fails the case.
                if !left.isEmpty { try await Task.sleep(for: .milliseconds(100)) }
            }
        }
    }

    // MARK: Messages

    /// Receives until `count` have come.
    func receive(_ count: Int, _ source: any EventSource, limit: Int = 1_000) async throws -> [IncomingMessage] {
        try await within("\(count) messages did not come") {
            var messages: [IncomingMessage] = []
            while messages.count < count {
                let asked = min(limit, count - messages.count)
                do {
                    let batch = try await source.receive(upTo: asked)
                    try require((1...asked).contains(batch.count), "a receive gave \(batch.count) messages")
                    messages += batch
                } catch let error as ConformanceFailure {
                    throw error
                } catch {
                    try Task.checkCancellation()
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
            return messages
        }
    }

    /// Fails the case if another message comes before one that is sent now.
    func receiveNothing(_ source: any EventSource) async throws {
        let marker = event(1_000_000)
        try await send([marker], try await sink())
        let messages = try await receive(1, source, limit: 1)
        let id = try? messages[0].cloudEvent().id
        try require(id == marker.id, "a message came that is settled")
        try await accept(messages, source)
    }

    func accept(_ messages: [IncomingMessage], _ source: any EventSource) async throws {
        try await settle(messages, .accepted, source)
    }

    func settle(
        _ messages: [IncomingMessage], _ outcome: MessageSettlement.Outcome, _ source: any EventSource
    ) async throws {
        try await source.settle(messages.map { MessageSettlement($0.receipt, outcome) })
    }

    /// Waits until `condition` holds.
    func eventually(_ failure: String, _ condition: @escaping @Sendable () async throws -> Bool) async throws {
        try await within(failure) {
            while try await !condition() { try await Task.sleep(for: .milliseconds(20)) }
        }
    }

    /// Fails the case where `body` takes too long.
    func within<R: Sendable>(
        _ failure: String, _ body: @escaping @Sendable () async throws -> R
    ) async throws -> R {
        try await withThrowingTaskGroup(of: R.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: Self.patience)
                throw ConformanceFailure(description: failure)
            }
            defer { group.cancelAll() }
            guard let result = try await group.next() else { throw CancellationError() }
            return result
        }
    }
}

extension OutgoingEvent {
    var id: String { context.eventID.description }
}

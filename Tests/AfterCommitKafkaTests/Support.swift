#if Kafka
import AfterCommit
import AfterCommitKafka
import Foundation
import Logging

/// What tests send and receive.
enum Fixtures {
    static let date = Date(timeIntervalSince1970: 1_787_393_730.123)
    static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    static func envelope(
        id: EventID = EventID(UUID()), type: EventType = "order.placed", key: String? = "order 7",
        headers: [String: String] = [:], contentType: String = "application/json",
        payload: Data = Data("{\"total\":7}".utf8)
    ) -> Envelope {
        Envelope(
            id: id, type: type, source: "https://shop.example/orders", time: date, orderingKey: key, headers: headers,
            contentType: contentType, payload: .bytes(payload))
    }

    static func event(
        _ envelope: Envelope = envelope(), sequence: UInt64 = 42, timeout: Duration = .seconds(3_600),
        logger: Logger = quiet
    ) -> OutgoingEvent {
        let time = TimeSource(ContinuousClock())
        let common = DeliveryContext.Common(
            subscription: "data-platform", policy: DeliveryPolicy(timeout: timeout), logger: logger,
            envelopes: EnvelopeFactory(), time: time, wallClock: SystemWallClock())
        let context = DeliveryContext(
            ClaimedDelivery(sequence: sequence, envelope: envelope), common: common, started: time.now(),
            emissions: EmissionBuffer())
        guard case .bytes(let payload) = envelope.payload else { preconditionFailure("fixtures have bytes") }
        return OutgoingEvent(payload: payload, context: context)
    }

    /// So many events without keys, whose payloads are their numbers.
    static func events(_ numbers: Range<Int>, key: String? = nil) -> [OutgoingEvent] {
        numbers.map { event(envelope(key: key, payload: Data("\($0)".utf8)), sequence: UInt64($0)) }
    }
}

extension KafkaMockCluster {
    /// - Parameter properties: beside those that let tests wait shorter than people do.
    func configuration(_ properties: [String: String] = [:]) throws -> KafkaConfiguration {
        let quick = [
            "reconnect.backoff.ms": "20", "reconnect.backoff.max.ms": "100", "linger.ms": "1",
            "topic.metadata.refresh.sparse": "false", "session.timeout.ms": "6000", "heartbeat.interval.ms": "200",
        ]
        return try KafkaConfiguration(
            bootstrapServers: bootstrapServers, properties: quick.merging(properties) { $1 })
    }
}

extension SendOutcome {
    /// `sent`, the label of a failure, or that with `permanent` before it.
    var summary: String {
        func label(_ error: any Error) -> String {
            (error as? any DeliveryFailureDescribing)?.failureType ?? String(describing: error)
        }
        switch self {
        case .sent: return "sent"
        case .failed(let error):
            guard let outcome = error as? HandlerOutcome else { return label(error) }
            if case .permanent(let cause) = outcome.kind { return "permanent \(label(cause))" }
            return outcome.description
        }
    }
}

extension KafkaEventSource {
    /// Receives so many messages.
    func receive(exactly count: Int, atOnce limit: Int = 1_000) async throws -> [IncomingMessage] {
        var messages: [IncomingMessage] = []
        while messages.count < count { messages += try await receive(upTo: min(limit, count - messages.count)) }
        return messages
    }

    func accept(_ messages: some Sequence<IncomingMessage>) async throws {
        try await settle(messages.map { MessageSettlement($0.receipt, .accepted) })
    }
}

/// Which messages were seen, and how often.
final class Seen: Sendable {
    private let counts = Locked<[String: Int]>([:])

    func add(_ messages: some Sequence<IncomingMessage>) {
        counts.withLock { counts in
            for message in messages { counts[message.text, default: 0] += 1 }
        }
    }

    var count: Int { counts.withLock { $0.count } }
}

/// The lines of a log: level and message.
final class LogLines: Sendable {
    private struct Handler: LogHandler {
        let log: LogLines
        var logLevel = Logger.Level.debug
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            log.all.withLock { $0.append("\(event.level) \(event.message)") }
        }
    }

    private let all = Locked<[String]>([])

    var logger: Logger { Logger(label: "test", factory: { _ in Handler(log: self) }) }
    var lines: [String] { all.withLock { $0 } }
}

/// The highest of some numbers.
final class Peak: Sendable {
    private let highest = Locked(0)

    func note(_ number: Int) { highest.withLock { $0 = max($0, number) } }

    var value: Int { highest.withLock { $0 } }
}

extension IncomingMessage {
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// Runs `body` with a sink that is closed afterwards.
func withSink<R>(
    _ kafka: KafkaConfiguration, topic: KafkaTopic = "orders",
    configuration: KafkaEventSinkConfiguration = KafkaEventSinkConfiguration(closeTimeout: .milliseconds(100)),
    logger: Logger = Fixtures.quiet, _ body: (KafkaEventSink) async throws -> R
) async throws -> R {
    let sink = try KafkaEventSink(kafka, topic: topic, configuration: configuration, logger: logger)
    let result: R
    do {
        result = try await body(sink)
    } catch {
        await sink.close()
        throw error
    }
    await sink.close()
    return result
}

/// Runs `body` with a source that is closed afterwards.
func withSource<R>(
    _ kafka: KafkaConfiguration, topics: [String] = ["orders"], group: String = "readers",
    deadLetterTopic: String? = nil, configuration: KafkaEventSourceConfiguration = KafkaEventSourceConfiguration(),
    logger: Logger = Fixtures.quiet, _ body: (KafkaEventSource) async throws -> R
) async throws -> R {
    let source = try KafkaEventSource(
        kafka, topics: topics, group: group, deadLetterTopic: deadLetterTopic, configuration: configuration,
        logger: logger)
    let result: R
    do {
        result = try await body(source)
    } catch {
        await source.close()
        throw error
    }
    await source.close()
    return result
}
#endif

#if RabbitMQ
import AfterCommit
@testable import AfterCommitRabbitMQ
import Foundation
import Logging
import TestSupport

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Events as an engine would send them.
enum Outgoing {
    static let date = Date(timeIntervalSince1970: 1_787_393_730.123)

    static func envelope(
        _ number: Int = 1, type: EventType = "order.placed", key: String? = nil, headers: [String: String] = [:],
        contentType: String = "application/json", payload: Data? = nil
    ) -> Envelope {
        Envelope(
            id: EventID(UUID()), type: type, source: "https://shop.example/orders", time: date, orderingKey: key,
            headers: headers, contentType: contentType, payload: .bytes(payload ?? Data("{\"number\":\(number)}".utf8)))
    }

    static func event(_ envelope: Envelope, subscription: String = "relay") throws -> OutgoingEvent {
        let time = TimeSource(ContinuousClock())
        let common = DeliveryContext.Common(
            subscription: subscription, policy: DeliveryPolicy(), logger: silent, envelopes: EnvelopeFactory(),
            time: time, wallClock: SystemWallClock())
        let context = DeliveryContext(
            ClaimedDelivery(sequence: 42, envelope: envelope), common: common, started: time.now(),
            emissions: EmissionBuffer())
        return OutgoingEvent(payload: try context.payload(), context: context)
    }

    static func events(
        _ count: Int, type: EventType = "order.placed", payload: Data? = nil
    ) throws -> [OutgoingEvent] {
        try (0..<count).map { try event(envelope($0, type: type, payload: payload)) }
    }
}

extension SendOutcome {
    var isSent: Bool { if case .sent = self { true } else { false } }

    /// Why it failed, also where that is permanent.
    var error: RabbitMQError? {
        guard case .failed(let error) = self else { return nil }
        if let error = error as? RabbitMQError { return error }
        guard let outcome = error as? HandlerOutcome, case .permanent(let cause) = outcome.kind else { return nil }
        return cause as? RabbitMQError
    }

    var isPermanent: Bool {
        if case .failed(let error) = self { error is HandlerOutcome } else { false }
    }
}

/// A queue of a test's own on one of the private servers.
struct TestQueue {
    let server: PrivateRabbitMQ
    let name: String

    init(_ server: PrivateRabbitMQ) {
        self.server = server
        name = PrivateRabbitMQ.name("queue")
    }

    static func shared() async throws -> Self {
        Self(try await onOwnThread("rabbitmq") { try PrivateRabbitMQ.shared() })
    }

    static func disturbed() async throws -> Self {
        Self(try await onOwnThread("rabbitmq") { try PrivateRabbitMQ.disturbed() })
    }

    func broker(_ change: (inout RabbitMQConfiguration) -> Void = { _ in }) throws -> RabbitMQConfiguration {
        var broker = try RabbitMQConfiguration(server.url)
        // What connections are known by.
        broker.connectionName = name
        change(&broker)
        return broker
    }

    var exchange: String { "exchange-\(name)" }

    /// An exchange and the queue behind it, which gets everything.
    func topology(
        _ kind: RabbitMQTopology.Queue.Kind = .classic, deadLetters: RabbitMQTopology.DeadLetters? = nil,
        arguments: [String: RabbitMQTopology.Queue.Argument] = [:]
    ) -> RabbitMQTopology {
        .declare(
            exchanges: [.topic(exchange)],
            queues: [
                RabbitMQTopology.Queue(
                    name, kind: kind, bindings: [.init(exchange, "order.#")], deadLetters: deadLetters,
                    arguments: arguments)
            ])
    }

    func sink(
        topology: RabbitMQTopology? = nil, _ change: (inout RabbitMQEventSinkConfiguration) -> Void = { _ in }
    ) throws -> RabbitMQEventSink {
        var configuration = RabbitMQEventSinkConfiguration(exchange: exchange, topology: topology ?? self.topology())
        configuration.backoff = .constant(.milliseconds(50))
        change(&configuration)
        return try RabbitMQEventSink(broker(), configuration: configuration)
    }

    func source(
        queue: String? = nil, prefetch: Int = 500, topology: RabbitMQTopology = .none
    ) throws -> RabbitMQEventSource {
        try RabbitMQEventSource(
            broker(),
            configuration: RabbitMQEventSourceConfiguration(
                queue: queue ?? name, prefetch: prefetch, topology: topology), logger: silent)
    }

    func control(_ arguments: String...) async throws -> String {
        try await onOwnThread("rabbitmqctl") { [server] in try server.control(arguments) }
    }

    /// The connections of this test, by the broker's names for them.
    func connections() async throws -> Set<String> {
        let list = try await control("list_connections", "pid", "client_properties")
        let own = list.split(separator: "\n").filter { $0.contains("\"\(name)\"") }
        return Set(own.compactMap { $0.split(separator: "\t").first.map(String.init) })
    }

    /// Ends all connections of this test.
    func closeConnections() async throws {
        for id in try await connections() { _ = try await control("close_connection", id, "test") }
    }

    /// How many messages the broker has of a queue.
    func messages(in queue: String? = nil) async throws -> Int? {
        let list = try await control("list_queues", "name", "messages")
        let line = list.split(separator: "\n").first { $0.split(separator: "\t").first ?? "" == queue ?? name }
        return line?.split(separator: "\t").last.flatMap { Int($0) }
    }
}

extension RabbitMQEventSource {
    /// Takes so many, settled as `outcome`; as many as come where they are fewer and `patience` is over.
    func take(
        _ count: Int, outcome: MessageSettlement.Outcome? = .accepted
    ) async throws -> [IncomingMessage] {
        var messages: [IncomingMessage] = []
        while messages.count < count {
            let batch = try await receive(upTo: count - messages.count)
            if let outcome { try await settle(batch.map { MessageSettlement($0.receipt, outcome) }) }
            messages += batch
        }
        return messages
    }
}

/// What `body` throws.
func rabbitMQError(_ body: () async throws -> Void) async throws -> RabbitMQError {
    do {
        try await body()
    } catch let error as RabbitMQError {
        return error
    }
    throw NothingThrown()
}

struct NothingThrown: Error {}

/// Looks again and again until `condition` holds, for as long as a busy machine may need.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}
#endif

#if RabbitMQ && LMDB
import AfterCommit
import AfterCommitRabbitMQ
import Logging

/// Relays a backlog of LMDB's outbox to a durable queue of RabbitMQ.
struct RabbitMQRelayLines: Chapter {
    private static let relay = Line(
        "rabbitmq, relay of an outbox on LMDB", .eventsPerSecond,
        ceiling: "rabbitmq-c alone, the same messages and confirms, window of 2000", goal: .ratio(atLeast: 0.8))

    let lines = [relay]
    private static let turns = 2
    private static let count = 20_000
    private static let (queue, bareQueue) = ("relay", "bare-relay")
    private let server: RabbitMQServer
    private var outbox: RelayOutbox?
    private var bare: BareRabbitMQ?
    private var sink: RabbitMQEventSink?

    init(_ server: RabbitMQServer) { self.server = server }

    mutating func prepare() async throws {
        let url = try server.url
        let bare = try BareRabbitMQ(url: url, sample: try await MessageSample())
        try bare.declare(Self.queue)
        try bare.declare(Self.bareQueue)
        self.bare = bare
        outbox = try await RelayOutbox()
        sink = try RabbitMQEventSink(
            try RabbitMQConfiguration(url),
            configuration: RabbitMQEventSinkConfiguration(exchange: "", routingKey: .fixed(Self.queue)))
    }

    mutating func finish() async throws {
        await sink?.close()
        bare?.close()
        try await outbox?.close()
    }

    func round() async throws -> [Sample] {
        guard let outbox, let bare, let sink else { return [] }
        var rates = Rates()
        let count = Self.count / Self.turns
        for _ in 0..<Self.turns {
            rates.count += count
            rates.ourTime += try await outbox.relay(count, to: sink)
            try bare.purge(Self.queue)
            rates.bareTime += try ContinuousClock().measure {
                try bare.publish(count, to: Self.bareQueue, window: RelayOutbox.window)
            }
            try bare.purge(Self.bareQueue)
        }
        return [Sample(Self.relay, rates, showsCommits: false)]
    }
}

/// Takes what waits in a durable queue of RabbitMQ into a durable inbox.
struct RabbitMQConsumerLines: Chapter {
    /// Of both sides.
    private static let prefetch = 1_000
    private static let consume = Line(
        "rabbitmq, consumer into an inbox on LMDB", .eventsPerSecond,
        ceiling: "rabbitmq-c alone, which only acknowledges, prefetch of \(prefetch)", goal: .ratio(atLeast: 0.7))

    let lines = [consume]
    private static let turns = 2
    private static let count = 20_000
    private static let (queue, bareQueue) = ("inbox", "bare-inbox")
    private let server: RabbitMQServer
    private var inbox: Inbox?
    private var bare: BareRabbitMQ?

    init(_ server: RabbitMQServer) { self.server = server }

    mutating func prepare() async throws {
        let bare = try BareRabbitMQ(url: try server.url, sample: try await MessageSample())
        try bare.declare(Self.queue)
        try bare.declare(Self.bareQueue)
        self.bare = bare
        inbox = try Inbox()
    }

    mutating func finish() async throws {
        bare?.close()
        try await inbox?.close()
    }

    func round() async throws -> [Sample] {
        guard let inbox, let bare else { return [] }
        var rates = Rates()
        let count = Self.count / Self.turns
        for _ in 0..<Self.turns {
            rates.count += count
            try bare.publish(count, to: Self.queue, window: RelayOutbox.window)
            let source = try RabbitMQEventSource(
                try RabbitMQConfiguration(try server.url),
                configuration: RabbitMQEventSourceConfiguration(queue: Self.queue, prefetch: Self.prefetch),
                logger: Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() }))
            rates.ourTime += try await inbox.take(count, from: source)
            try bare.publish(count, to: Self.bareQueue, window: RelayOutbox.window)
            rates.bareTime += try bare.consume(count, from: Self.bareQueue, prefetch: Self.prefetch)
        }
        return [Sample(Self.consume, rates, showsCommits: false)]
    }
}
#endif

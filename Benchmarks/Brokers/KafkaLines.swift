#if Kafka && LMDB
import AfterCommit
import AfterCommitKafka
import Logging

/// Relays a backlog of LMDB's outbox to Kafka's mock cluster in this process, and to nowhere: nothing can be relayed faster than
/// the outbox gives it out.
struct KafkaRelayLines: Chapter {
    private static let relay = Line(
        "kafka, relay of an outbox on LMDB", .eventsPerSecond,
        ceiling: "librdkafka alone, the same messages, idempotent, window of 2000", goal: .ratio(atLeast: 0.8))
    private static let nowhere = Line("relay of an outbox on LMDB to a sink that does nothing", .eventsPerSecond)

    let lines = [relay, nowhere]
    private static let turns = 2
    private static let count = 40_000
    private static let (topic, bareTopic) = ("relay", "bare-relay")
    private var cluster: KafkaMockCluster?
    private var outbox: RelayOutbox?
    private var bare: BareKafkaProducer?
    private var sink: KafkaEventSink?

    mutating func prepare() async throws {
        // It drops the oldest messages of a partition past 5 MB, which is of no concern to who produces.
        let cluster = try KafkaMockCluster(brokers: 1)
        for topic in [Self.topic, Self.bareTopic] { try cluster.createTopic(topic, partitions: 4) }
        self.cluster = cluster
        bare = try BareKafkaProducer(servers: cluster.bootstrapServers, sample: try await MessageSample())
        outbox = try await RelayOutbox()
        sink = try KafkaEventSink(
            try KafkaConfiguration(bootstrapServers: cluster.bootstrapServers), topic: .named(Self.topic),
            logger: Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    mutating func finish() async throws {
        await sink?.close()
        bare?.close()
        try await outbox?.close()
        cluster = nil
    }

    func round() async throws -> [Sample] {
        guard let outbox, let bare, let sink else { return [] }
        var (rates, nowhere) = (Rates(), Rates())
        let count = Self.count / Self.turns
        for _ in 0..<Self.turns {
            rates.count += count
            rates.ourTime += try await outbox.relay(count, to: sink)
            rates.bareTime += try ContinuousClock().measure {
                try bare.produce(count, to: Self.bareTopic, window: RelayOutbox.window)
            }
            nowhere.count += count
            nowhere.ourTime += try await outbox.relay(count, to: NoSink())
        }
        return [Sample(Self.relay, rates, showsCommits: false), Sample(Self.nowhere, nowhere.ours)]
    }
}

/// Takes what waits in a topic of Kafka's mock cluster into a durable inbox.
struct KafkaConsumerLines: Chapter {
    private static let consume = Line(
        "kafka, consumer into an inbox on LMDB", .eventsPerSecond,
        ceiling: "librdkafka and liblmdb alone: records and their ids, 500 a commit", goal: .ratio(atLeast: 0.7))

    let lines = [consume]
    private static let partitions: Int32 = 16
    /// Less than 4 MB in each partition, of which the cluster keeps 5 MB, and less than what a client fetches ahead: past that
    /// librdkafka before 2.2 would fetch nothing for a second.
    private static let count = 96_000
    private var sample: MessageSample?
    private var inbox: Inbox?
    private var bareInbox: BareStore?
    /// Ids are new in each round: the inbox knows those of before.
    private var sent: UInt64 = 0

    mutating func prepare() async throws {
        sample = try await MessageSample()
        inbox = try Inbox()
        bareInbox = try BareStore(record: try await Stores.record())
    }

    mutating func finish() async throws {
        try await inbox?.close()
        try bareInbox?.close()
    }

    /// Both take the same messages, as two groups. A cluster of the round's own forgets them with it.
    mutating func round() async throws -> [Sample] {
        guard let inbox, let bareInbox, let sample else { return [] }
        let cluster = try KafkaMockCluster(brokers: 1)
        let topic = "inbox"
        try cluster.createTopic(topic, partitions: Int(Self.partitions))
        let firstID = sent + 1
        let producer = try BareKafkaProducer(servers: cluster.bootstrapServers, sample: sample, firstID: firstID)
        try producer.produce(Self.count, to: topic, partitions: Self.partitions, window: RelayOutbox.window)
        producer.close()
        sent += UInt64(Self.count)
        var rates = Rates(count: Self.count)
        let source = try KafkaEventSource(
            try KafkaConfiguration(bootstrapServers: cluster.bootstrapServers), topics: [topic], group: "inbox",
            logger: Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() }))
        rates.ourTime = try await inbox.take(Self.count, from: source)
        let bare = try BareKafkaConsumer(
            servers: cluster.bootstrapServers, group: "bare", topic: topic, partitions: Self.partitions)
        rates.bareTime = try bare.consume(
            Self.count, of: sample.event.data.count, firstID: firstID, batch: 500, store: bareInbox.receive)
        bare.close()
        return [Sample(Self.consume, rates, showsCommits: false)]
    }
}
#endif

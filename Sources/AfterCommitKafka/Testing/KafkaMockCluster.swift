#if Kafka
import AfterCommit
import CRDKafka

/// A Kafka cluster in this process, for tests and demonstrations: librdkafka's mock cluster, which speaks the real protocol on
/// loopback and keeps everything in memory.
///
/// ```swift
/// let cluster = try KafkaMockCluster(brokers: 3)
/// try cluster.createTopic("orders", partitions: 4)
/// let kafka = try KafkaConfiguration(bootstrapServers: cluster.bootstrapServers)
/// let sink = try KafkaEventSink(kafka, topic: "orders", logger: logger)
/// ```
///
/// It stands until it is released. What it cannot do, librdkafka's header `rdkafka_mock.h` says: it has no administration,
/// no retention, no replication worth the name and no security. Where a member comes to a group or leaves it, the others wait for
/// `session.timeout.ms` less a second, which is 44 seconds by default: set it to 6000 for trying. It drops the oldest messages of a partition past 5 MB. Topics
/// that are not there are created when they are asked for, with 4 partitions.
public final class KafkaMockCluster: @unchecked Sendable {
    // Unchecked: librdkafka's functions for it may be called from any thread (each takes the cluster's own lock, or asks its
    // thread), and both pointers are set once.
    private let client: OpaquePointer
    private let cluster: OpaquePointer
    /// Hosts and ports of all brokers, separated by commas.
    public let bootstrapServers: String
    /// How many brokers there are. Their ids begin with 1.
    public let brokers: Int

    /// - Parameter brokers: 1 or more. Default 3.
    /// - Throws: ``KafkaError`` where the system gives no sockets.
    public init(brokers: Int = 3) throws(KafkaError) {
        guard (1...100).contains(brokers) else {
            throw KafkaError(.invalidConfiguration, "brokers is \(brokers); it must be 1 to 100")
        }
        guard let settings = rd_kafka_conf_new() else {
            throw KafkaError(.invalidConfiguration, "the client has no memory for its configuration")
        }
        rd_kafka_conf_set_log_cb(settings, nil)
        var text = [CChar](repeating: 0, count: 512)
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, settings, &text, text.count) else {
            rd_kafka_conf_destroy(settings)
            throw KafkaError(.invalidConfiguration, "the client that the mock cluster needs cannot be made")
        }
        guard let cluster = rd_kafka_mock_cluster_new(client, Int32(brokers)),
            let servers = rd_kafka_mock_cluster_bootstraps(cluster)
        else {
            rd_kafka_destroy(client)
            throw KafkaError(.invalidConfiguration, "the mock cluster has no socket for each broker")
        }
        self.client = client
        self.cluster = cluster
        self.brokers = brokers
        bootstrapServers = String(cString: servers)
    }

    deinit {
        rd_kafka_mock_cluster_destroy(cluster)
        rd_kafka_destroy(client)
    }

    /// - Throws: ``KafkaError`` for a topic that is there, or a name that none can have.
    public func createTopic(_ name: String, partitions: Int = 1) throws(KafkaError) {
        try KafkaTopic.check(name)
        try check(rd_kafka_mock_topic_create(cluster, name, Int32(clamping: partitions), Int32(brokers)))
    }

    /// A kind of request, by its number in Kafka's protocol ("Api Keys").
    public struct Request: Sendable, Hashable {
        public let apiKey: Int16

        public init(apiKey: Int16) {
            self.apiKey = apiKey
        }

        public static let produce = Request(apiKey: 0)
        public static let fetch = Request(apiKey: 1)
        public static let offsetCommit = Request(apiKey: 8)
        public static let joinGroup = Request(apiKey: 11)
        public static let heartbeat = Request(apiKey: 12)
        public static let initProducerID = Request(apiKey: 22)
    }

    /// An answer of a broker, by its number in Kafka's protocol ("Error Codes").
    public struct Answer: Sendable, Hashable {
        public let code: Int32

        public init(code: Int32) {
            self.code = code
        }

        public static let success = Answer(RD_KAFKA_RESP_ERR_NO_ERROR)
        /// No answer: the connection ends.
        public static let disconnect = Answer(RD_KAFKA_RESP_ERR__TRANSPORT)
        public static let messageTooLarge = Answer(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        public static let notEnoughReplicas = Answer(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS)
        public static let outOfOrderSequence = Answer(RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER)
        public static let topicAuthorizationFailed = Answer(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)

        private init(_ response: rd_kafka_resp_err_t) {
            code = response.rawValue
        }
    }

    /// Lets the next requests of a kind be answered so, one after another.
    public func answer(_ request: Request, with answers: [Answer]) {
        let codes = answers.map { rd_kafka_resp_err_t(rawValue: $0.code) }
        rd_kafka_mock_push_request_errors_array(cluster, request.apiKey, codes.count, codes)
    }

    /// Forgets what ``answer(_:with:)`` was told and is not used up.
    public func answerNormally(_ request: Request) {
        rd_kafka_mock_clear_request_errors(cluster, request.apiKey)
    }

    /// Ends the connections of a broker, and refuses new ones. Its partitions keep it as their leader.
    /// - Parameter broker: `nil` for all.
    public func setDown(_ broker: Int? = nil) throws(KafkaError) {
        try check(rd_kafka_mock_broker_set_down(cluster, Int32(clamping: broker ?? -1)))
    }

    /// Lets a broker take connections again.
    /// - Parameter broker: `nil` for all.
    public func setUp(_ broker: Int? = nil) throws(KafkaError) {
        try check(rd_kafka_mock_broker_set_up(cluster, Int32(clamping: broker ?? -1)))
    }

    /// Lets a broker answer only after so long, to the millisecond.
    /// - Parameters:
    ///   - time: how long it waits; zero for no wait.
    ///   - broker: `nil` for all.
    public func setRoundTripTime(_ time: Duration, of broker: Int? = nil) throws(KafkaError) {
        let milliseconds = time <= .zero ? 0 : Int32(clamping: time.wholeMilliseconds)
        try check(rd_kafka_mock_broker_set_rtt(cluster, Int32(clamping: broker ?? -1), milliseconds))
    }

    private func check(_ response: rd_kafka_resp_err_t) throws(KafkaError) {
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(response) }
    }
}
#endif

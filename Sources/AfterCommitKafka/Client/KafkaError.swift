#if Kafka
public import AfterCommit
import CRDKafka

/// What the brokers or the client answered, or what cannot work as it was asked for. No password is in it.
public struct KafkaError: Error, Hashable, CustomStringConvertible {
    /// What happened. More codes may come; switch with a default.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// A property that the client does not know, a value that it does not take, or a number that cannot work.
        public static let invalidConfiguration = Code(description: "invalid-configuration")
        /// A property that would lose data, or that is set in another way.
        public static let propertyRefused = Code(description: "property-refused")
        /// A name that no topic can have.
        public static let invalidTopic = Code(description: "invalid-topic")
        /// A message is to become a dead letter, and no topic is configured for it.
        public static let deadLetterTopicMissing = Code(description: "dead-letter-topic-missing")
        /// The brokers answered with an error, or the client gave up; ``KafkaError/name`` says which error it is.
        public static let response = Code(description: "response")
        /// The sink or the source was closed.
        public static let closed = Code(description: "closed")
    }

    public let code: Code
    /// The client's name of the error, such as `_MSG_TIMED_OUT` or `NOT_ENOUGH_REPLICAS` (librdkafka, `rd_kafka_err2name`);
    /// those with an underscore are the client's own. `nil` for other codes than ``Code/response``.
    public let name: String?
    /// What is wrong and what to do.
    public let message: String
    /// Whether sending the same again must fail in the same way.
    let isPermanent: Bool

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
        name = nil
        isPermanent = code == .invalidTopic
    }

    /// - Parameter message: `nil` for the client's own words.
    init(_ response: rd_kafka_resp_err_t, _ message: String? = nil) {
        code = .response
        name = String(cString: rd_kafka_err2name(response))
        let text = message.map(Self.escaped) ?? String(cString: rd_kafka_err2str(response))
        self.message = Self.advice[response.rawValue].map { "\(text): \($0)" } ?? text
        isPermanent = Self.permanent.contains(response.rawValue)
    }

    /// Takes over an error object of the client.
    init(taking error: OpaquePointer) {
        self.init(rd_kafka_error_code(error), String(cString: rd_kafka_error_string(error)))
        rd_kafka_error_destroy(error)
    }

    public var description: String { "\(name ?? code.description): \(message)" }

    /// Errors of one message that it meets again whenever it is sent.
    private static let permanent: Set<Int32> = [
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE.rawValue, RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE.rawValue,
        RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE.rawValue, RD_KAFKA_RESP_ERR_INVALID_RECORD.rawValue,
    ]

    private static let advice: [Int32: String] = [
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE.rawValue:
            "raise message.max.bytes here and max.message.bytes of the topic, or send smaller events",
        RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC.rawValue: "create the topic, or let the brokers create topics by themselves",
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART.rawValue:
            "create the topic, or let the brokers create topics by themselves",
        RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN.rawValue: "no broker can be reached; it is tried again all the time",
        RD_KAFKA_RESP_ERR__MSG_TIMED_OUT.rawValue: "the brokers did not acknowledge it in time",
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED.rawValue: "grant the right to the topic",
        RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED.rawValue: "grant the right to read to the consumer group",
    ]

    /// The client's texts come from the network too.
    static func escaped(_ text: String) -> String { DeliveryLog.oneLine(String(text.prefix(500))) }

    static let closed = Self(.closed, "it was closed")
}

extension KafkaError: DeliveryFailureDescribing {
    /// `kafka.` and the client's name of the error, so that dead letters group by it: `kafka._MSG_TIMED_OUT`.
    public var failureType: String { "kafka.\(name ?? code.description)" }
    public var failureStatus: Int? { nil }
}
#endif

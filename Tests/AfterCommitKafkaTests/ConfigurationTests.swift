#if Kafka
import AfterCommit
@testable import AfterCommitKafka
import CRDKafka
import Testing

@Suite
struct ConfigurationTests {
    @Test(
        "Properties that would lose data, or that are set by the library, are refused with a reason",
        arguments: [
            "acks", "request.required.acks", "enable.idempotence", "enable.gapless.guarantee", "transactional.id",
            "delivery.report.only.error", "enable.auto.offset.store", "enable.auto.commit", "auto.commit.enable",
            "offset.store.method", "partition.assignment.strategy", "group.id", "message.timeout.ms",
            "delivery.timeout.ms",
            "queuing.strategy", "bootstrap.servers", "metadata.broker.list", "test.mock.num.brokers", "log.queue",
        ])
    func refused(name: String) throws {
        let error = #expect(throws: KafkaError.self) {
            try KafkaConfiguration(bootstrapServers: "kafka.example:9092", properties: [name: "1"])
        }
        #expect(error?.code == .propertyRefused)
        #expect(error?.message.hasPrefix("\"\(name)\" cannot be set: ") == true)
    }

    @Test("What the client does not take is refused in its own words")
    func unknown() throws {
        func message(_ properties: [String: String]) -> String? {
            let error = #expect(throws: KafkaError.self) {
                try KafkaConfiguration(bootstrapServers: "kafka.example:9092", properties: properties)
            }
            #expect(error?.code == .invalidConfiguration)
            return error?.message
        }
        #expect(message(["lingerms": "5"]) == "No such configuration property: \"lingerms\"")
        #expect(message(["message.max.bytes": "1"])?.contains("message.max.bytes") == true)
        #expect(message(["security.protocol": "telepathy"])?.contains("telepathy") == true)
    }

    @Test("No broker, or none that is one")
    func noBroker() {
        for servers in ["", " ", ",,"] {
            #expect(throws: KafkaError.self) { try KafkaConfiguration(bootstrapServers: servers) }
        }
    }

    @Test("SASL and TLS are passed on, and no password is in any description")
    func secrets() async throws {
        let kafka = try KafkaConfiguration(
            bootstrapServers: "127.0.0.1:1",
            properties: [
                "security.protocol": "sasl_ssl", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "shop",
                "sasl.password": "s3cret", "ssl.key.password": "s3cret",
                "ssl.endpoint.identification.algorithm": "https",
            ])
        for text in [
            "\(kafka)", String(reflecting: kafka), String(describing: Mirror(reflecting: kafka).children.map(\.value)),
        ] {
            #expect(!text.contains("s3cret"))
            #expect(text.contains("sasl.password"))
        }
        let sink = try KafkaEventSink(kafka, logger: Fixtures.quiet)
        let source = try KafkaEventSource(kafka, topics: ["orders"], group: "readers", logger: Fixtures.quiet)
        await sink.close()
        await source.close()
    }

    @Test("What does not fit together, and files that are not there, are refused when a sink or a source is made")
    func together() throws {
        func make(_ properties: [String: String]) throws -> KafkaEventSink {
            try KafkaEventSink(
                KafkaConfiguration(bootstrapServers: "127.0.0.1:1", properties: properties), logger: Fixtures.quiet)
        }
        let inFlight = #expect(throws: KafkaError.self) { try make(["max.in.flight.requests.per.connection": "6"]) }
        #expect(inFlight?.message.contains("max.in.flight") == true)
        #expect(throws: KafkaError.self) { try make(["retries": "0"]) }
        let file = #expect(throws: KafkaError.self) {
            try make(["security.protocol": "ssl", "ssl.ca.location": "/nowhere/ca.pem"])
        }
        #expect(file?.message.contains("ca") == true)
        // A secret that the client quotes is not told on.
        let secret = #expect(throws: KafkaError.self) {
            _ = try make(["ssl.key.pem": "s3cret", "security.protocol": "ssl"])
        }
        #expect(secret?.description.contains("s3cret") == false)
    }

    @Test("Names and numbers that cannot work")
    func options() throws {
        let kafka = try KafkaConfiguration(bootstrapServers: "127.0.0.1:1")
        #expect(throws: KafkaError.self) { try KafkaEventSink(kafka, topic: "no/topic", logger: Fixtures.quiet) }
        #expect(throws: KafkaError.self) {
            try KafkaEventSink(kafka, configuration: .init(messageTimeout: .zero), logger: Fixtures.quiet)
        }
        #expect(throws: KafkaError.self) {
            try KafkaEventSource(kafka, topics: [], group: "readers", logger: Fixtures.quiet)
        }
        #expect(throws: KafkaError.self) {
            try KafkaEventSource(kafka, topics: ["orders"], group: "", logger: Fixtures.quiet)
        }
        #expect(throws: KafkaError.self) {
            try KafkaEventSource(
                kafka, topics: ["orders"], group: "readers", deadLetterTopic: "orders", logger: Fixtures.quiet)
        }
        #expect(throws: KafkaError.self) { try KafkaMockCluster(brokers: 0) }
    }

    @Test(
        "What is no address of Kafka is refused",
        arguments: ["amqp://localhost", "kafka://a:9092", "a:9092,b:abc", "a:0", "a:65536", "a:"])
    func addresses(servers: String) throws {
        let error = #expect(throws: KafkaError.self) { try KafkaConfiguration(bootstrapServers: servers) }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.hasSuffix("; write host:port") == true)
        for legal in ["a", "a:9092, b:9093", "SASL_SSL://a:9093", "[::1]:9092", "[::1]"] {
            #expect(throws: Never.self) { try KafkaConfiguration(bootstrapServers: legal) }
        }
    }

    @Test("A pattern that takes the dead letters' topic, or that is none, is refused")
    func patterns() async throws {
        let kafka = try KafkaConfiguration(bootstrapServers: "127.0.0.1:1")
        func source(_ topics: [String], deadLetterTopic: String?) throws -> KafkaEventSource {
            try KafkaEventSource(
                kafka, topics: topics, group: "readers", deadLetterTopic: deadLetterTopic, logger: Fixtures.quiet)
        }
        let error = #expect(throws: KafkaError.self) {
            try source(["orders", "^orders.*"], deadLetterTopic: "orders.dead")
        }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message == #"deadLetterTopic is "orders.dead", which "^orders.*" takes too"#)
        let none = #expect(throws: KafkaError.self) { try source(["^orders("], deadLetterTopic: nil) }
        #expect(none?.code == .invalidTopic)
        #expect(none?.message.hasPrefix(#""^orders(" is no regular expression: "#) == true)
        await (try source(["^orders\\.[a-c]"], deadLetterTopic: "orders.dead")).close()
        await (try source(["^.*"], deadLetterTopic: nil)).close()
    }

    @Test("Texts of the client and the network are one line of a log")
    func oneLine() {
        let error = KafkaError(RD_KAFKA_RESP_ERR__FAIL, "a\nb\u{202E}c\0")
        #expect(error.message == #"a\u{a}b\u{202e}c\u{0}"#)
    }
}
#endif

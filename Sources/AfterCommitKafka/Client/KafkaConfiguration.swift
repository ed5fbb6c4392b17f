#if Kafka
import CRDKafka
import Foundation

/// Where a Kafka cluster is, and how to connect.
///
/// ```swift
/// let kafka = try KafkaConfiguration(
///     bootstrapServers: "kafka-1.example:9093,kafka-2.example:9093",
///     properties: [
///         "security.protocol": "sasl_ssl",
///         "sasl.mechanism": "SCRAM-SHA-512",
///         "sasl.username": "shop",
///         "sasl.password": password,
///     ])
/// ```
///
/// Every property of librdkafka can be set, for producers and consumers alike (librdkafka, `CONFIGURATION.md`), apart from
/// those that would lose data and those that a sink or a source sets by itself. Some defaults differ from librdkafka's:
///
/// | property | default here | why |
/// |---|---|---|
/// | `partitioner` | `murmur2_random` | the partition that the Java client chooses for a key |
/// | `auto.offset.reset` | `earliest` | a new group begins with what is there |
/// | `auto.commit.interval.ms` | `1000` | what was settled is seldom given out again |
/// | `fetch.queue.backoff.ms` | `100` | how long a consumer fetches nothing once it holds `queued.max.messages.kbytes` or `queued.min.messages`; before librdkafka 2.2, always 1 s |
public struct KafkaConfiguration: Sendable {
    /// Hosts and ports, separated by commas.
    public let bootstrapServers: String
    /// librdkafka's properties. They may hold passwords, so no error, no log and no description has their values.
    public let properties: [String: String]

    /// - Parameters:
    ///   - bootstrapServers: hosts and ports of some brokers, separated by commas; the others are learnt from them.
    ///   - properties: librdkafka's names and values.
    /// - Throws: ``KafkaError`` with the client's own words for a property that it does not take, and with
    ///   ``KafkaError/Code/propertyRefused`` for one that would lose data.
    public init(bootstrapServers: String, properties: [String: String] = [:]) throws(KafkaError) {
        guard bootstrapServers.contains(where: { $0 != "," && !$0.isWhitespace }) else {
            throw KafkaError(.invalidConfiguration, "bootstrapServers names no broker; write host:port")
        }
        for address in bootstrapServers.split(separator: ",") { try Self.check(address: address) }
        self.bootstrapServers = bootstrapServers
        self.properties = properties
        for name in properties.keys.sorted() {
            if let reason = Self.refusal(of: name) {
                throw KafkaError(.propertyRefused, "\(name.debugDescription) cannot be set: \(reason)")
            }
        }
        // The client's own check of each. What only fits together or not shows when a sink or a source is made.
        rd_kafka_conf_destroy(try clientConfiguration([:]))
    }

    private static let protocols = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]

    /// The client itself only logs what it cannot read, and goes on without any broker.
    private static func check(address: Substring) throws(KafkaError) {
        var rest = address.drop { $0.isWhitespace }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        if let scheme = rest.range(of: "://") {
            guard protocols.contains(rest[..<scheme.lowerBound].lowercased()) else {
                throw KafkaError(
                    .invalidConfiguration,
                    "bootstrapServers has \(rest.debugDescription), which is no address of Kafka; write host:port")
            }
            rest = rest[scheme.upperBound...]
        }
        // In brackets stands an address of IPv6.
        guard let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("]") else { return }
        guard let port = UInt16(rest[rest.index(after: colon)...]), port > 0 else {
            throw KafkaError(
                .invalidConfiguration,
                "bootstrapServers has \(rest.debugDescription), whose port is no number of 1 to 65535; write host:port")
        }
    }

    /// The client's configuration, which the caller destroys, or hands to a client.
    /// - Parameter own: what a sink or a source needs; it wins.
    func clientConfiguration(_ own: [String: String]) throws(KafkaError) -> OpaquePointer {
        guard let configuration = rd_kafka_conf_new() else {
            throw KafkaError(.invalidConfiguration, "the client has no memory for its configuration")
        }
        // Nothing may reach the standard error output, where the client logs without this.
        rd_kafka_conf_set_log_cb(configuration, nil)
        var values = Self.defaults.merging(properties) { $1 }
        values.merge(own) { $1 }
        values["bootstrap.servers"] = bootstrapServers
        values["log.queue"] = "true"
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            var text = [CChar](repeating: 0, count: 512)
            guard rd_kafka_conf_set(configuration, name, value, &text, text.count) == RD_KAFKA_CONF_OK else {
                rd_kafka_conf_destroy(configuration)
                throw Self.failure(name, value, text)
            }
        }
        return configuration
    }

    private static func failure(_ name: String, _ value: String, _ text: [CChar]) -> KafkaError {
        var message = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if isSecret(name) {
            // The client quotes what it does not take.
            let parts =
                value.isEmpty ? [message[...]] : message.split(separator: value, omittingEmptySubsequences: false)
            message = parts.joined(separator: "...")
        }
        return KafkaError(.invalidConfiguration, KafkaError.escaped(message))
    }

    private static let defaults: [String: String] = [
        "client.id": "aftercommit",
        "partitioner": "murmur2_random",
        "auto.offset.reset": "earliest",
        "auto.commit.interval.ms": "1000",
    ].merging(fetchBackoff) { $1 }

    /// Older clients do not know the property, and refuse it.
    private static var fetchBackoff: [String: String] {
        rd_kafka_version() >= 0x0202_00FF ? ["fetch.queue.backoff.ms": "100"] : [:]
    }
}

extension KafkaConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Where it leads, and the names of the properties.
    public var description: String {
        let names = properties.keys.sorted()
        return names.isEmpty ? bootstrapServers : "\(bootstrapServers) (\(names.joined(separator: ", ")))"
    }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["options": description]) }
}
#endif

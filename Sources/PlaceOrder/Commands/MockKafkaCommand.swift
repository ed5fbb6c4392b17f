#if Example
import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals
#if Kafka
import AfterCommitKafka
#endif

/// A Kafka for people without one.
struct MockKafkaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mock-kafka",
        abstract: "Run librdkafka's mock cluster until SIGTERM or SIGINT, and print its bootstrap servers.",
        discussion: """
            It speaks Kafka's protocol on loopback and keeps everything in memory: for trying things out, not for keeping \
            anything.
            """)

    @OptionGroup var log: LogOptions

    @Option(help: "How many brokers.")
    var brokers = 3

    @Option(help: "How many partitions the topic of the orders has.")
    var partitions = 4

    func validate() throws {
        guard (1...10).contains(brokers) else { throw ValidationError("--brokers is 1 to 10.") }
        guard (1...100).contains(partitions) else { throw ValidationError("--partitions is 1 to 100.") }
    }

    func run() async throws {
        Output.ignoreBrokenPipes()
        #if Kafka
        let cluster = try KafkaMockCluster(brokers: brokers)
        try cluster.createTopic(BrokerChoice.kafkaTopic, partitions: partitions)
        try cluster.createTopic(BrokerChoice.kafkaDeadLetterTopic)
        Output.result(cluster.bootstrapServers)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: Waiting(cluster: cluster))], gracefulShutdownSignals: [.sigterm, .sigint],
                logger: log.logger.quiet))
        try await group.run()
        #else
        throw BrokerChoice.unavailable("Kafka", trait: "Kafka")
        #endif
    }
}

#if Kafka
/// Keeps the cluster until it is told to end.
private struct Waiting: Service {
    let cluster: KafkaMockCluster

    func run() async throws {
        try? await gracefulShutdown()
        withExtendedLifetime(cluster) {}
    }
}
#endif
#endif

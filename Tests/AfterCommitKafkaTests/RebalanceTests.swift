#if Kafka
import AfterCommit
@testable import AfterCommitKafka
import CRDKafka
import Foundation
import Testing

@Suite("A group whose members come and go", .timeLimit(.minutes(3)))
struct RebalanceTests {
    private func source(
        _ cluster: KafkaMockCluster, group: String = "readers",
        configuration: KafkaEventSourceConfiguration = KafkaEventSourceConfiguration()
    ) throws -> KafkaEventSource {
        try KafkaEventSource(
            cluster.configuration(), topics: ["orders"], group: group, configuration: configuration,
            logger: Fixtures.quiet)
    }

    @Test("Nothing is left out while one takes what is sent, and others join it and leave it")
    func comingAndGoing() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        // A partition of the cluster keeps 5 MB, which all of it is less than.
        let most = 200_000
        try cluster.createTopic("orders", partitions: 32)
        let first = try source(cluster)
        let seen = Seen()
        let taking = Task {
            while true {
                let messages = try await first.receive(upTo: 1_000)
                seen.add(messages)
                try await first.accept(messages)
            }
        }
        // They settle nothing: all that they were given comes to the first again.
        let others = Task {
            for _ in 0..<3 {
                let other = try source(cluster)
                let receiving = Task { try await other.receive(upTo: 1) }
                while await other.consumer.assignment.partitions.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
                await other.close()
                _ = await receiving.result
            }
        }
        let isOver = Locked(false)
        let sending = Task {
            try await withSink(cluster.configuration()) { sink in
                var sent = 0
                while sent < most, !isOver.withLock({ $0 }) {
                    let outcomes = await sink.send(Fixtures.events(sent..<sent + 500))
                    #expect(outcomes.allSatisfy { $0.summary == "sent" })
                    sent += 500
                }
                return sent
            }
        }
        try await others.value
        isOver.withLock { $0 = true }
        let sent = try await sending.value
        while seen.count < sent { try await Task.sleep(for: .milliseconds(20)) }
        taking.cancel()
        await #expect(throws: CancellationError.self) { try await taking.value }
        await first.close()
        #expect(seen.count == sent)
    }

    /// As the client does with all partitions at each rebalance, from a thread of its own: while one call takes thousands.
    @Test("Nothing is left out of partitions that are paused and go on while messages are taken")
    func pausedMeanwhile() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        // By keys to many partitions: the cluster keeps 5 MB of each.
        let (total, partitions, keys) = (60_000, 16, 60)
        try cluster.createTopic("orders", partitions: partitions)
        let events = (0..<keys).flatMap { key in
            Fixtures.events(key * total / keys..<(key + 1) * total / keys, key: "\(key)")
        }
        let outcomes = try await withSink(cluster.configuration()) { await $0.send(events) }
        #expect(outcomes.allSatisfy { $0.summary == "sent" })
        let source = try source(cluster, configuration: KafkaEventSourceConfiguration(maxOutstanding: total))
        var messages = try await source.receive(upTo: 1)
        let client = try #require(await source.consumer.clientAddress)
        let pausing = Pausing(client, topic: "orders", partitions: partitions)
        let seen = Seen()
        var (next, hasGap) = ([UInt64: UInt64](), false)
        while true {
            for receipt in messages.map(\.receipt) {
                if let next = next[receipt.channel], receipt.tag > next { hasGap = true }
                next[receipt.channel] = receipt.tag + 1
            }
            seen.add(messages)
            try await source.accept(messages)
            if seen.count == total || hasGap { break }
            // Meanwhile the client fetches thousands ahead.
            try await Task.sleep(for: .milliseconds(30))
            pausing.begin()
            messages = try await source.receive(upTo: 5_000)
        }
        #expect(!hasGap)
        await pausing.end()
        await source.close()
    }

    @Test("A source that is closed while it joins leaves its group, and the process goes on", arguments: [false, true])
    func closedWhileItJoins(isLetGo: Bool) async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders")
        let outcomes = try await withSink(cluster.configuration()) { await $0.send(Fixtures.events(0..<1)) }
        #expect(outcomes.map(\.summary) == ["sent"])
        try cluster.setRoundTripTime(.milliseconds(300))
        // One of them is closed in each of the steps that joining takes.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<50 {
                group.addTask {
                    let source = try source(cluster, group: "readers-\(number)")
                    let receiving = Task { try await source.receive(upTo: 1) }
                    try await Task.sleep(for: .milliseconds(160 * number))
                    if isLetGo { receiving.cancel() } else { await source.close() }
                    _ = await receiving.result
                }
            }
            try await group.waitForAll()
        }
        try cluster.setRoundTripTime(.zero)
        for number in stride(from: 0, to: 50, by: 10) {
            let source = try source(cluster, group: "readers-\(number)")
            #expect(try await source.receive(exactly: 1).map(\.text) == ["0"])
            await source.close()
        }
    }
}

extension KafkaConsumer {
    fileprivate var clientAddress: UInt? { handle.map { UInt(bitPattern: $0.pointer) } }
}

/// Pauses partitions and lets them go on, once each time it is asked for, on a thread of its own.
private final class Pausing: Sendable {
    private let asked = DispatchSemaphore(value: 0)
    private let isOver = Locked(false)
    private let hasEnded = Locked(false)

    init(_ client: UInt, topic: String, partitions: Int) {
        Thread {
            let list = rd_kafka_topic_partition_list_new(Int32(partitions))
            for partition in 0..<partitions { rd_kafka_topic_partition_list_add(list, topic, Int32(partition)) }
            for number in 0... {
                self.asked.wait()
                if self.isOver.withLock({ $0 }) { break }
                // Not always at the same point of the call.
                Thread.sleep(forTimeInterval: Double(number % 8) * 0.000_2)
                rd_kafka_pause_partitions(OpaquePointer(bitPattern: client), list)
                rd_kafka_resume_partitions(OpaquePointer(bitPattern: client), list)
            }
            rd_kafka_topic_partition_list_destroy(list)
            self.hasEnded.withLock { $0 = true }
        }.start()
    }

    func begin() { asked.signal() }

    func end() async {
        isOver.withLock { $0 = true }
        asked.signal()
        while !hasEnded.withLock({ $0 }) { await Task.yield() }
    }
}
#endif

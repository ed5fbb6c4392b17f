#if Kafka
import AfterCommit
@testable import AfterCommitKafka
import Foundation
import Testing

@Suite(.timeLimit(.minutes(2)))
struct SourceTests {
    /// A cluster with a topic of one partition that has so many events.
    private func cluster(events count: Int, partitions: Int = 1) async throws -> KafkaMockCluster {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders", partitions: partitions)
        let outcomes = try await withSink(cluster.configuration()) { await $0.send(Fixtures.events(0..<count)) }
        #expect(outcomes.allSatisfy { $0.summary == "sent" })
        return cluster
    }

    @Test("What was settled does not come again after a close, and what was not does")
    func offsets() async throws {
        let cluster = try await cluster(events: 10)
        try await withSource(cluster.configuration()) { source in
            let messages = try await source.receive(exactly: 6)
            #expect(messages.map(\.text) == (0..<6).map { "\($0)" })
            try await source.accept(messages.prefix(4))
        }
        let rest = try await withSource(cluster.configuration()) { source in
            let messages = try await source.receive(exactly: 6)
            try await source.accept(messages)
            return messages.map(\.text)
        }
        #expect(rest == ["4", "5", "6", "7", "8", "9"])
    }

    @Test("Settled out of order, the offset goes on only to the first that is not settled")
    func outOfOrder() async throws {
        let cluster = try await cluster(events: 10)
        try await withSource(cluster.configuration()) { source in
            let messages = try await source.receive(exactly: 10)
            try await source.accept(messages[5...])
            try await source.accept(messages[..<3])
        }
        let rest = try await withSource(cluster.configuration()) { try await $0.receive(exactly: 7).map(\.text) }
        #expect(rest == (3..<10).map { "\($0)" })
    }

    @Test("No more are out than may be; settling lets others come, and the member stays in its group meanwhile")
    func bound() async throws {
        let cluster = try await cluster(events: 30)
        let kafka = try cluster.configuration(["session.timeout.ms": "2500", "max.poll.interval.ms": "2500"])
        try await withSource(kafka, configuration: KafkaEventSourceConfiguration(maxOutstanding: 10)) { source in
            let first = try await source.receive(exactly: 10)
            let second = Task { try await source.receive(upTo: 100) }
            // Much longer than a member may be silent.
            try await Task.sleep(for: .seconds(4))
            #expect(await source.consumer.assignment.outstanding == 10)
            try await source.accept(first[..<4])
            let next = try await second.value
            #expect(next.map(\.text) == ["10", "11", "12", "13"])
            #expect(Set((first + next).map(\.receipt.channel)).count == 1)
            try await source.accept(first[4...])
            try await source.accept(next)
            #expect(try await source.receive(exactly: 10).last?.text == "23")
        }
    }

    @Test("Behind a message that is not settled only so much is taken, and all comes once when it is")
    func heldUp() async throws {
        let total = 100
        let cluster = try await cluster(events: total)
        let log = LogLines()
        try await withSource(
            cluster.configuration(), configuration: KafkaEventSourceConfiguration(maxOutstanding: 2), logger: log.logger
        ) { source in
            let first = try await source.receive(exactly: 1)
            var texts = first.map(\.text)
            let isPaused = { await source.consumer.assignment.partitions.values.contains(where: \.isPaused) }
            while await !isPaused() {
                let next = try await source.receive(upTo: 1)
                try await source.accept(next)
                texts += next.map(\.text)
            }
            // 16 times as many as may be out, and the one that was too many.
            #expect(texts.count == 33)
            let pauses = log.lines.filter { $0.contains("wait for a message") }
            #expect(pauses == ["warning partitions wait for a message that is not settled"])
            try await source.accept(first)
            #expect(await !isPaused())
            while texts.count < total {
                let next = try await source.receive(upTo: 2)
                try await source.accept(next)
                texts += next.map(\.text)
            }
            #expect(texts == (0..<total).map { "\($0)" })
        }
    }

    @Test("Returned messages are given out again, before others, and count their redeliveries")
    func returned() async throws {
        let cluster = try await cluster(events: 6)
        try await withSource(cluster.configuration()) { source in
            let messages = try await source.receive(exactly: 4)
            try await source.settle([
                MessageSettlement(messages[2].receipt, .returned), MessageSettlement(messages[0].receipt, .returned),
                MessageSettlement(messages[1].receipt, .accepted),
            ])
            let again = try await source.receive(exactly: 4)
            #expect(again.map(\.text) == ["0", "2", "4", "5"])
            #expect(again.map(\.redeliveries) == [1, 1, 0, 0])
            #expect(again[0].receipt == messages[0].receipt)
            try await source.accept(again)
        }
        // 3 was never settled.
        let rest = try await withSource(cluster.configuration()) { try await $0.receive(exactly: 3).map(\.text) }
        #expect(rest == ["3", "4", "5"])
    }

    @Test("Two sources share the partitions, and one that goes leaves its messages to the other: nothing is lost")
    func sharing() async throws {
        let total = 200
        let cluster = try await cluster(events: total, partitions: 8)
        let seen = Seen()
        let first = try KafkaEventSource(
            cluster.configuration(), topics: ["orders"], group: "readers", logger: Fixtures.quiet)
        let second = try KafkaEventSource(
            cluster.configuration(), topics: ["orders"], group: "readers", logger: Fixtures.quiet)
        // The first takes some and settles half of them.
        let some = try await first.receive(exactly: 40)
        let settled = some.prefix(20)
        try await first.accept(settled)
        seen.add(settled)
        // The second joins, and gets partitions of its own.
        let joined = Task {
            while seen.count < total {
                let messages = try await second.receive(upTo: 10)
                try await second.accept(messages)
                seen.add(messages)
            }
        }
        while await second.consumer.assignment.partitions.isEmpty { await Task.yield() }
        while await first.consumer.assignment.partitions.count > 4 { await Task.yield() }
        #expect(await second.consumer.assignment.partitions.count <= 4)
        // What belongs to partitions that have moved is left out.
        try await first.accept(some.suffix(20))
        await first.close()
        // The rest comes to the second, some of it again.
        seen.add(some.suffix(20))
        try await joined.value
        #expect(seen.count == total)
        await second.close()
    }

    @Test("A receive that is cancelled throws at once, and loses nothing")
    func cancelled() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders")
        try await withSource(cluster.configuration()) { source in
            let waiting = Task { try await source.receive(upTo: 10) }
            while await source.consumer.assignment.partitions.isEmpty { await Task.yield() }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            _ = try await withSink(cluster.configuration()) { await $0.send(Fixtures.events(0..<5)) }
            #expect(try await source.receive(exactly: 5).map(\.text) == ["0", "1", "2", "3", "4"])
        }
    }

    @Test("Brokers that are away are told of, and when they are back messages come")
    func away() async throws {
        let cluster = try await cluster(events: 3)
        try cluster.setDown()
        try await withSource(cluster.configuration()) { source in
            let error = await #expect(throws: KafkaError.self) { try await source.receive(upTo: 10) }
            #expect(error?.failureType == "kafka._ALL_BROKERS_DOWN")
            try cluster.setUp()
            #expect(try await source.receive(exactly: 3).map(\.text) == ["0", "1", "2"])
        }
    }

    @Test("A fatal error is told of, another client takes the member's place, and what was not settled comes again")
    func fatal() async throws {
        let cluster = try await cluster(events: 5)
        try await withSource(cluster.configuration()) { source in
            let messages = try await source.receive(exactly: 5)
            try await source.accept(messages[..<2])
            #expect(await source.consumer.failFatally())
            let error = await #expect(throws: KafkaError.self) { try await source.receive(upTo: 10) }
            #expect(error?.failureType == "kafka.FENCED_INSTANCE_ID")
            let again = try await source.receive(exactly: 5)
            #expect(again.last?.text == "4")
            // Receipts of before mean nothing now.
            try await source.accept(messages[2...])
            #expect(await source.consumer.assignment.outstanding == 5)
        }
    }

    @Test("Closing does not wait for brokers that are away for longer than it may")
    func closingAway() async throws {
        let cluster = try await cluster(events: 3)
        let source = try KafkaEventSource(
            cluster.configuration(), topics: ["orders"], group: "readers",
            configuration: KafkaEventSourceConfiguration(closeTimeout: .milliseconds(100)), logger: Fixtures.quiet)
        let messages = try await source.receive(exactly: 3)
        try cluster.setDown()
        try await source.accept(messages)
        await source.close()
    }

    @Test("A closed source throws")
    func closed() async throws {
        let cluster = try await cluster(events: 1)
        let source = try KafkaEventSource(
            cluster.configuration(), topics: ["orders"], group: "readers", logger: Fixtures.quiet)
        let message = try await source.receive(exactly: 1)
        let waiting = Task { try await source.receive(upTo: 1) }
        while await source.consumer.isWaitedFor == false { await Task.yield() }
        await source.close()
        await #expect(throws: KafkaError.closed) { try await waiting.value }
        await #expect(throws: KafkaError.closed) { try await source.receive(upTo: 1) }
        try await source.accept(message)
        await source.close()
    }
}
#endif

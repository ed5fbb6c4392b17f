#if Kafka
import AfterCommit
@testable import AfterCommitKafka
import CRDKafka
import Foundation
import Testing

@Suite("Fault 32: broker away at start, restarted mid-publish, reset before the confirm", .timeLimit(.minutes(2)))
struct Fault32BrokerAwayTests {
    private let impatient = KafkaEventSinkConfiguration(messageTimeout: .seconds(1), closeTimeout: .zero)

    /// Sends an event again and again, as the engine does, until it is sent.
    /// - Returns: how often it was tried at most.
    @discardableResult
    private func insist(_ events: [OutgoingEvent], _ sink: KafkaEventSink) async -> Int {
        var pending = events
        var tries = 0
        while !pending.isEmpty {
            tries += 1
            let outcomes = await sink.send(pending)
            pending = zip(pending, outcomes).filter { $1.summary != "sent" }.map(\.0)
        }
        return tries
    }

    @Test("Fault 32: brokers that are away at the start: attempts fail, and once they are there the event is sent")
    func awayAtStart() async throws {
        let cluster = try KafkaMockCluster()
        try cluster.createTopic("orders")
        try cluster.setDown()
        try await withSink(cluster.configuration(), configuration: impatient) { sink in
            let outcomes = await sink.send(Fixtures.events(0..<2)).map(\.summary)
            #expect(Set(outcomes) == ["kafka._MSG_TIMED_OUT"])
            try cluster.setUp()
            await insist(Fixtures.events(0..<2), sink)
        }
        let messages = try await withSource(cluster.configuration()) { try await $0.receive(exactly: 2) }
        #expect(Set(messages.map(\.text)) == ["0", "1"])
    }

    @Test("Fault 32: while brokers are away one batch is tried, the others fail at once, and nothing piles up")
    func nothingPilesUp() async throws {
        let cluster = try KafkaMockCluster()
        try cluster.createTopic("orders")
        let options = KafkaEventSinkConfiguration(messageTimeout: .seconds(1_800), closeTimeout: .zero)
        try await withSink(cluster.configuration(), configuration: options) { sink in
            #expect(await sink.send(Fixtures.events(0..<1)).map(\.summary) == ["sent"])
            // It is under way when they go.
            try cluster.setRoundTripTime(.seconds(60))
            let tried = Task { await sink.send(Fixtures.events(1..<101)) }
            while await sink.producer.countInClient < 100 { await Task.yield() }
            try cluster.setDown()
            while await sink.producer.isAway == false { await Task.yield() }
            // An hour of attempts, much faster.
            for _ in 0..<2_000 {
                let outcomes = await sink.send(Fixtures.events(1..<101))
                #expect(outcomes.allSatisfy { $0.summary == "kafka._ALL_BROKERS_DOWN" })
                #expect(await sink.producer.countInClient <= 100)
            }
            try cluster.setRoundTripTime(.zero)
            try cluster.setUp()
            #expect(await tried.value.allSatisfy { $0.summary == "sent" })
            #expect(await sink.producer.isAway == false)
            #expect(await sink.send(Fixtures.events(101..<102)).map(\.summary) == ["sent"])
        }
        // What was under way may be there twice.
        let seen = Seen()
        try await withSource(cluster.configuration()) { source in
            while seen.count < 102 { seen.add(try await source.receive(upTo: 1_000)) }
        }
    }

    @Test("Fault 32: brokers that went and came back while nothing was sent: no batch is refused")
    func awayWhileIdle() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders", partitions: 4)
        try await withSink(cluster.configuration()) { sink in
            #expect(await sink.send(Fixtures.events(0..<1)).map(\.summary) == ["sent"])
            try cluster.setDown()
            while await sink.producer.mayBeAway == false { await Task.yield() }
            try cluster.setUp()
            let outcomes = await withTaskGroup(of: [String].self) { group in
                for lane in 1...4 {
                    group.addTask { await sink.send(Fixtures.events(lane * 10..<lane * 10 + 10)).map(\.summary) }
                }
                return await group.reduce(into: []) { $0 += $1 }
            }
            #expect(outcomes.count == 40 && Set(outcomes) == ["sent"])
            #expect(await sink.producer.mayBeAway == false)
        }
    }

    @Test("A loss is known while something is under way, and otherwise when a message's time was over")
    func presence() {
        let down = KafkaError(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        var presence = BrokerPresence()
        presence.timedOut()
        #expect(!presence.isDoubtful)
        presence.allBrokersDown(down, pending: 0)
        #expect(presence.isDoubtful && presence.refusal(pending: 1) == nil)
        presence.timedOut()
        #expect(presence.refusal(pending: 1) == down && presence.refusal(pending: 0) == nil)
        presence.answered()
        #expect(!presence.isDoubtful && presence.refusal(pending: 1) == nil)
        presence.allBrokersDown(down, pending: 1)
        #expect(presence.refusal(pending: 1) == down)
    }

    @Test("Fault 32: what the client says of it goes to the logger, and so does a timeout that cannot work")
    func log() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.setDown()
        let log = LogLines()
        try await withSink(cluster.configuration(), configuration: impatient, logger: log.logger) { sink in
            let event = Fixtures.event(timeout: .milliseconds(900), logger: log.logger)
            for _ in 0..<2 {
                #expect(await sink.send([event]).map(\.summary) == ["kafka._MSG_TIMED_OUT"])
            }
        }
        let lines = log.lines
        #expect(lines.filter { $0 == "warning no Kafka broker can be reached" }.count == 1)
        #expect(lines.filter { $0.hasPrefix("warning the subscription's timeout is not longer") }.count == 1)
        #expect(lines.contains("notice the Kafka client reports"))
    }

    @Test("Fault 32: brokers that go, come and hang up in the middle: all arrives, no more often than it was sent")
    func interrupted() async throws {
        let cluster = try KafkaMockCluster(brokers: 2)
        try cluster.createTopic("orders", partitions: 4)
        let total = 400
        let mostTries = Peak()
        try await withSink(cluster.configuration(), configuration: impatient) { sink in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<4 {
                    group.addTask {
                        for first in stride(from: lane * 100, to: lane * 100 + 100, by: 10) {
                            mostTries.note(await insist(Fixtures.events(first..<first + 10, key: nil), sink))
                        }
                    }
                }
                group.addTask {
                    for step in 0..<6 {
                        switch step % 3 {
                        case 0: cluster.answer(.produce, with: [.disconnect, .success, .disconnect, .disconnect])
                        case 1:
                            try cluster.setDown(1)
                            try await Task.sleep(for: .milliseconds(100))
                            try cluster.setUp(1)
                        default:
                            try cluster.setRoundTripTime(.milliseconds(50))
                            try cluster.setDown()
                            try cluster.setUp()
                            try cluster.setRoundTripTime(.zero)
                        }
                        try await Task.sleep(for: .milliseconds(50))
                    }
                }
                try await group.waitForAll()
            }
        }
        var seen: [String: Int] = [:]
        try await withSource(cluster.configuration()) { source in
            while seen.count < total {
                for message in try await source.receive(upTo: 100) { seen[message.text, default: 0] += 1 }
            }
        }
        #expect(seen.count == total)
        #expect(seen.values.allSatisfy { $0 <= mostTries.value })
    }

    @Test("Fault 32: what the engine was given while the brokers were away arrives when they are back, with its id")
    func engine() async throws {
        let cluster = try KafkaMockCluster(brokers: 1)
        try cluster.createTopic("orders")
        try cluster.setDown()
        let sink = try KafkaEventSink(
            cluster.configuration(), topic: "orders", configuration: impatient, logger: Fixtures.quiet)
        let policy = DeliveryPolicy(
            maxRetries: 1_000, backoff: .constant(.milliseconds(50)), timeout: .seconds(5), concurrency: 2)
        let storage = InMemoryStorage()
        let engine = try await EventEngine(
            storage: storage, logger: Fixtures.quiet,
            subscriptions: [Subscription("broker", to: Parcel.self, policy: policy, sink: sink)])
        let running = Task { try await engine.run() }
        var ids: Set<String> = []
        for number in 0..<50 {
            ids.insert("\(try await engine.emit(Parcel(number: number)))")
        }
        while await sink.producer.isAway == false { await Task.yield() }
        try cluster.setUp()
        var seen: [String: Int] = [:]
        try await withSource(cluster.configuration()) { source in
            while seen.count < 50 {
                for message in try await source.receive(upTo: 100) {
                    seen[try message.cloudEvent().id, default: 0] += 1
                }
            }
        }
        #expect(Set(seen.keys) == ids)
        #expect(seen.values.allSatisfy { $0 <= 2 })
        running.cancel()
        _ = await running.result
        await sink.close()
    }
}

private struct Parcel: Event {
    static let type: EventType = "parcel.sent"
    var number: Int
}
#endif

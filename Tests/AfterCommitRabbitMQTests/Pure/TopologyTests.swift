#if RabbitMQ
@testable import AfterCommitRabbitMQ
import Testing

@Suite("What a topology declares")
struct TopologyTests {
    @Test("a topology is made in an order that works")
    func topology() {
        let topology = RabbitMQTopology.declare(
            exchanges: [.topic("e")],
            queues: [
                .quorum(
                    "q", bindings: [.init("e", "a.*")], deadLetters: .init("d"),
                    arguments: ["x-delivery-limit": .integer(3)])
            ])
        #expect(
            topology.steps == [
                .exchange(.topic("e"), passive: false), .exchange(.fanout("d"), passive: false),
                .queue("d", arguments: [.init(name: "x-queue-type", value: .text("quorum"))], passive: false),
                .binding(queue: "d", .init("d")),
                .queue(
                    "q",
                    arguments: [
                        .init(name: "x-dead-letter-exchange", value: .text("d")),
                        .init(name: "x-dead-letter-strategy", value: .text("at-least-once")),
                        .init(name: "x-delivery-limit", value: .integer(3)),
                        .init(name: "x-overflow", value: .text("reject-publish")),
                        .init(name: "x-queue-type", value: .text("quorum")),
                    ], passive: false),
                .binding(queue: "q", .init("e", "a.*")),
            ])
        #expect(RabbitMQTopology.none.steps == [])
        #expect(RabbitMQTopology.check(queues: ["q"]).steps == [.queue("q", arguments: [], passive: true)])
        #expect(throws: RabbitMQError.self) { try RabbitMQTopology.check(queues: [""]).validate() }
    }

    private func arguments(_ queue: RabbitMQTopology.Queue) -> [String: RabbitMQTopology.Queue.Argument] {
        Dictionary(uniqueKeysWithValues: queue.entries.map { ($0.name, $0.value) })
    }

    @Test("a quorum queue keeps its dead letters until they are stored, unless its arguments say otherwise")
    func deadLetterStrategy() {
        let own: [[String: RabbitMQTopology.Queue.Argument]] = [
            ["x-overflow": .text("drop-head")], ["x-dead-letter-strategy": .text("at-most-once")],
        ]
        for own in own {
            let expected = own.merging(["x-dead-letter-exchange": .text("d"), "x-queue-type": .text("quorum")]) { $1 }
            #expect(arguments(.quorum("q", deadLetters: .init("d"), arguments: own)) == expected)
        }
        for own in [["x-overflow": .text("reject-publish")], ["x-dead-letter-strategy": .text("at-least-once")]]
            as [[String: RabbitMQTopology.Queue.Argument]]
        {
            #expect(
                RabbitMQTopology.Queue.quorum("q", deadLetters: .init("d"), arguments: own).entries
                    == RabbitMQTopology.Queue.quorum("q", deadLetters: .init("d")).entries)
        }
        #expect(arguments(.quorum("q")) == ["x-queue-type": .text("quorum")])
        #expect(arguments(.classic("q", deadLetters: .init("d"))) == ["x-dead-letter-exchange": .text("d")])
    }
}
#endif

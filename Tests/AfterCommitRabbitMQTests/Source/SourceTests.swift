#if RabbitMQ
import AfterCommit
@testable import AfterCommitRabbitMQ
import Foundation
import Testing
import TestSupport

@Suite("Taking from a queue", .timeLimit(.minutes(5)))
struct SourceTests {
    /// Publishes so many to a queue of the test's own.
    private func filled(
        _ count: Int, topology: (TestQueue) -> RabbitMQTopology = { $0.topology() }
    ) async throws -> TestQueue {
        let queue = try await TestQueue.shared()
        let sink = try queue.sink(topology: topology(queue))
        #expect(await sink.send(try Outgoing.events(count)).allSatisfy(\.isSent))
        await sink.close()
        return queue
    }

    private func settle(
        _ source: RabbitMQEventSource, _ messages: some Sequence<IncomingMessage>, _ outcome: MessageSettlement.Outcome
    ) async throws {
        try await source.settle(messages.map { MessageSettlement($0.receipt, outcome) })
    }

    @Test("no more than the prefetch is out at once")
    func prefetch() async throws {
        let queue = try await filled(50)
        let source = try queue.source(prefetch: 10)
        let first = try await source.take(10, outcome: nil)
        let waiting = Task { try await source.receive(upTo: 100) }
        let other = try queue.source(prefetch: 100)
        #expect(try await other.take(40).count == 40)
        #expect(try await queue.messages() == 10)
        waiting.cancel()
        await #expect(throws: CancellationError.self) { _ = try await waiting.value }
        try await settle(source, first, .accepted)
        await source.close()
        await other.close()
        #expect(try await queue.messages() == 0)
    }

    @Test("what was settled has gone out when it is closed, the rest comes again")
    func closing() async throws {
        let queue = try await filled(1_000)
        let source = try queue.source()
        let messages = try await source.take(500, outcome: nil)
        // In parts and out of order.
        try await settle(source, messages[100..<300].shuffled(), .accepted)
        try await settle(source, messages[0..<50], .accepted)
        try await settle(source, messages[400..<450], .accepted)
        await source.close()
        #expect(try await queue.messages() == 700)
        await #expect(throws: RabbitMQError.self) { _ = try await source.receive(upTo: 1) }
    }

    @Test(
        "rejected ones go to the dead letters, returned ones come again",
        arguments: [RabbitMQTopology.Queue.Kind.classic, .quorum])
    func outcomes(_ kind: RabbitMQTopology.Queue.Kind) async throws {
        let queue = try await filled(6) { $0.topology(kind, deadLetters: .init($0.name + "-dead")) }
        let source = try queue.source()
        let messages = try await source.take(6, outcome: nil)
        try await settle(source, messages[0..<2], .rejected(reason: "no"))
        try await settle(source, messages[2..<4], .returned)
        try await settle(source, messages[4..<6], .accepted)
        let again = try await source.take(2)
        #expect(again.map(\.body) == messages[2..<4].map(\.body))
        #expect(again.map(\.redeliveries) == [1, 1])
        let dead = try queue.source(queue: queue.name + "-dead")
        let letters = try await dead.take(2)
        #expect(letters.map(\.body) == messages[0..<2].map(\.body))
        #expect(letters.map { $0.attributes } == messages[0..<2].map { $0.attributes })
        await source.close()
        await dead.close()
    }

    @Test("a quorum queue counts how often a message came back")
    func deliveryCount() async throws {
        let queue = try await filled(1) { $0.topology(.quorum) }
        let source = try queue.source()
        for count in 0..<4 {
            let message = try #require(try await source.take(1, outcome: .returned).first)
            #expect(message.redeliveries == count)
        }
        await source.close()
    }

    @Test("what was out when the connection ended comes again, and old receipts are left out")
    func connectionEnded() async throws {
        let queue = try await filled(20)
        let source = try queue.source()
        let first = try await source.take(5, outcome: nil)
        try await queue.closeConnections()
        #expect(try await eventually { try await queue.connections().isEmpty })
        let again = try await source.take(20, outcome: nil)
        #expect(Set(again.compactMap { $0.attributes["id"] }).count == 20)
        #expect(again.prefix(5).map(\.redeliveries) == [1, 1, 1, 1, 1])
        // The broker would close the channel for tags that it does not know.
        try await settle(source, first, .accepted)
        try await settle(source, again, .accepted)
        try await settle(source, again, .accepted)
        await source.close()
        #expect(try await queue.messages() == 0)
    }

    @Test("a queue that is deleted is an error, and so is one that is not there")
    func deleted() async throws {
        let queue = try await filled(1)
        let source = try queue.source()
        _ = try await source.take(1)
        let waiting = Task { try await source.receive(upTo: 1) }
        _ = try await queue.control("delete_queue", queue.name)
        let cancelled = try await rabbitMQError { _ = try await waiting.value }
        #expect(cancelled.failureType == "rabbitmq.consumer-cancelled")
        let missing = try await rabbitMQError { _ = try await source.receive(upTo: 1) }
        #expect(missing.failureType == "rabbitmq.topology-missing")
        await source.close()
    }

    @Test("who is cancelled loses no message")
    func cancelled() async throws {
        let queue = try await filled(0)
        let source = try queue.source(topology: queue.topology())
        let sink = try queue.sink()
        async let sent = sink.send(Outgoing.events(500))
        var taken: [IncomingMessage] = []
        var cancellations = 0
        while taken.count < 500 {
            let receiving = Task { try await source.receive(upTo: 3) }
            if Bool.random() { await Task.yield() }
            if cancellations < 300 { receiving.cancel() }
            do {
                let messages = try await receiving.value
                try await settle(source, messages, .accepted)
                taken += messages
            } catch is CancellationError {
                cancellations += 1
            }
        }
        #expect(try await sent.allSatisfy(\.isSent))
        #expect(Set(taken.compactMap { $0.attributes["id"] }).count == 500)
        #expect(taken.allSatisfy { $0.redeliveries == 0 })
        #expect(cancellations > 0)
        await source.close()
        await sink.close()
    }

    @Test("a message that is too large goes to the dead letters unseen, the others are taken")
    func tooLarge() async throws {
        let queue = try await filled(1) { $0.topology(deadLetters: .init($0.name + "-dead")) }
        let sink = try queue.sink(topology: RabbitMQTopology.none)
        let large = Data(repeating: 7, count: 300_000)
        #expect(await sink.send(try Outgoing.events(1, payload: large)).allSatisfy(\.isSent))
        #expect(await sink.send(try Outgoing.events(1)).allSatisfy(\.isSent))
        let source = try RabbitMQEventSource(
            queue.broker(), configuration: .init(queue: queue.name, maxMessageBytes: 1_000), logger: silent)
        #expect(try await source.take(2).count == 2)
        let dead = try queue.source(queue: queue.name + "-dead")
        #expect(try await dead.take(1).first?.body == large)
        for source in [source, dead] { await source.close() }
        await sink.close()
    }
}
#endif

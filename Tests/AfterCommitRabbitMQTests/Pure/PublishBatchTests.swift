#if RabbitMQ
import AfterCommit
@testable import AfterCommitRabbitMQ
import Foundation
import Testing

@Suite("Batches on their way")
struct PublishBatchTests {
    private let configuration = RabbitMQEventSinkConfiguration(exchange: "e")

    private func batch(_ count: Int) throws -> PublishBatch {
        let messages = try Outgoing.events(count).enumerated().map {
            try OutgoingMessage($1, index: $0, configuration: configuration)
        }
        return PublishBatch(messages, outcomes: Array(repeating: nil, count: count))
    }

    private func outcomes(_ batch: PublishBatch, _ body: () -> Void) async -> [SendOutcome] {
        await withCheckedContinuation { continuation in
            batch.begin(continuation)
            body()
        }
    }

    @Test("it ends with its last outcome, and the first one of each counts")
    func ends() async throws {
        let batch = try batch(2)
        let error = RabbitMQError(.refused, "full")
        let outcomes = await outcomes(batch) {
            batch.settle(1, .failed(error))
            batch.settle(1, .sent)
            #expect(!batch.isDone)
            batch.settle(0, .sent)
        }
        #expect(outcomes.map(\.error) == [nil, error])
        #expect(batch.isDone)
        batch.settle(0, .failed(error))
    }

    @Test("who leaves gets what is known, and no message is kept")
    func abandoned() async throws {
        let batch = try batch(2)
        let error = RabbitMQError(.cancelled, "gone")
        let outcomes = await outcomes(batch) {
            batch.settle(0, .sent)
            batch.abandon(error)
        }
        #expect(outcomes.map(\.error) == [nil, error])
        #expect(batch.message(1) == nil)
        // Left before anybody waited.
        let other = try self.batch(1)
        other.abandon(error)
        #expect(await self.outcomes(other) {}.map(\.error) == [error])
    }

    @Test("messages are written in order, without those that nobody waits for")
    func queue() throws {
        var queue = WriteQueue()
        let batches = try [batch(2), batch(2), batch(1)]
        queue.append(batches)
        #expect(queue.next()?.place.position == 0)
        batches[1].abandon(RabbitMQError(.cancelled, "gone"))
        #expect(queue.next()?.place.batch === batches[0])
        #expect(queue.next()?.place.batch === batches[2])
        #expect(queue.next() == nil && queue.isEmpty)
        queue.append([batches[0]])
        #expect(queue.removeAll().map(\.position) == [0, 1])
        #expect(queue.isEmpty)
    }

    @Test("what no message can carry is refused before anything is sent")
    func invalid() throws {
        let event = try #require(try Outgoing.events(1).first)
        var configuration = configuration
        configuration.routingKey = .fixed(String(repeating: "k", count: 256))
        let error = #expect(throws: RabbitMQError.self) {
            _ = try OutgoingMessage(event, index: 0, configuration: configuration)
        }
        #expect(error?.code == .invalidMessage)
        let envelope = Outgoing.envelope(headers: [String(repeating: "n", count: 250): "v"])
        let other = try Outgoing.event(envelope)
        #expect(throws: RabbitMQError.self) {
            _ = try OutgoingMessage(other, index: 0, configuration: self.configuration)
        }
    }
}
#endif

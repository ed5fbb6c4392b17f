#if RabbitMQ
import AfterCommit
@testable import AfterCommitRabbitMQ
import Foundation
import Testing
import TestSupport

@Suite("What the broker refuses (fault 33)", .timeLimit(.minutes(5)))
struct Fault33RefusalTests {
    @Test("what no queue is bound for fails alone")
    func unroutable() async throws {
        let queue = try await TestQueue.shared()
        let sink = try queue.sink()
        let lost = try Outgoing.event(Outgoing.envelope(type: "refund.made"))
        // The same event twice, as two subscriptions to one sink send it.
        let events = try Outgoing.events(3) + [lost] + Outgoing.events(2) + [lost]
        async let others = sink.send(Outgoing.events(200))
        let outcomes = await sink.send(events)
        #expect(outcomes.map(\.isSent) == [true, true, true, false, true, true, false])
        let error = try #require(outcomes[3].error)
        #expect(error.failureType == "rabbitmq.unroutable" && error.failureStatus == 312)
        #expect(error.description.contains("refund.made") && error.description.contains("bind a queue"))
        #expect(outcomes[6].error?.code == .unroutable && !outcomes[6].isPermanent)
        #expect(try await others.allSatisfy(\.isSent))
        await sink.close()
    }

    @Test("what a full queue does not take fails alone")
    func nack() async throws {
        let queue = try await TestQueue.shared()
        let sink = try queue.sink(
            topology: queue.topology(
                arguments: ["x-max-length": .integer(3), "x-overflow": .text("reject-publish")]))
        let outcomes = await sink.send(try Outgoing.events(10))
        #expect(outcomes.filter(\.isSent).count == 3)
        #expect(outcomes.compactMap(\.error).map(\.failureType) == Array(repeating: "rabbitmq.refused", count: 7))
        let source = try queue.source()
        #expect(try await source.take(3).count == 3)
        #expect(await sink.send(try Outgoing.events(3)).allSatisfy(\.isSent))
        await sink.close()
        await source.close()
    }

    @Test("a closed channel fails what is on it, and the next send has a new one")
    func channel() async throws {
        let queue = try await TestQueue.shared()
        let sink = try queue.sink(topology: RabbitMQTopology.none)
        let outcomes = await sink.send(try Outgoing.events(50))
        #expect(outcomes.allSatisfy { $0.error?.code == .channelClosed })
        #expect(outcomes.first?.error?.failureStatus == 404)
        #expect(outcomes.allSatisfy { !$0.isPermanent })
        let other = try queue.sink()
        #expect(await other.send(try Outgoing.events(1)).allSatisfy(\.isSent))
        #expect(await sink.send(try Outgoing.events(50)).allSatisfy(\.isSent))
        await sink.close()
        await other.close()
    }

    @Test("a message that is too large for the broker is permanent, those beside it are not")
    func tooLarge() async throws {
        let queue = try await TestQueue.shared()
        let sink = try queue.sink()
        let large = try Outgoing.event(Outgoing.envelope(payload: Data(repeating: 7, count: 5_000_000)))
        let outcomes = await sink.send(try Outgoing.events(1) + [large] + Outgoing.events(1))
        #expect(outcomes[1].isPermanent)
        #expect(outcomes[1].error?.failureType == "rabbitmq.too-large")
        #expect(outcomes[2].error?.code == .channelClosed && !outcomes[2].isPermanent)
        // From now on it is known, and nobody suffers from it.
        let again = await sink.send(try Outgoing.events(1) + [large] + Outgoing.events(1))
        #expect(again.map(\.isSent) == [true, false, true])
        #expect(again[1].isPermanent)
        await sink.close()
    }

    @Test("headers that fill more than a frame are permanent, and the connection goes on")
    func headers() async throws {
        let queue = try await TestQueue.shared()
        let sink = try queue.sink()
        let envelope = Outgoing.envelope(headers: ["note": String(repeating: "x", count: 140_000)])
        let outcomes = await sink.send(try Outgoing.events(1) + [Outgoing.event(envelope)] + Outgoing.events(1))
        #expect(outcomes.map(\.isSent) == [true, false, true])
        #expect(outcomes[1].error?.code == .invalidMessage && outcomes[1].isPermanent)
        await sink.close()
    }

    @Test("a large message goes through in its parts, beside small ones")
    func large() async throws {
        let queue = try await TestQueue.shared()
        let sink = try queue.sink()
        let source = try queue.source()
        let payload = Data((0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let large = try Outgoing.event(
            Outgoing.envelope(contentType: "application/octet-stream", payload: payload))
        async let small = sink.send(Outgoing.events(300))
        #expect(await sink.send([large, large]).allSatisfy(\.isSent))
        #expect(try await small.allSatisfy(\.isSent))
        let messages = try await source.take(302)
        #expect(messages.filter { $0.body == payload }.count == 2)
        await sink.close()
        await source.close()
    }

    @Test("what exists and differs from the declaration is named")
    func topology() async throws {
        let queue = try await TestQueue.shared()
        let sink = try queue.sink()
        #expect(await sink.send(try Outgoing.events(1)).allSatisfy(\.isSent))
        let other = try queue.sink(topology: queue.topology(.quorum))
        let mismatch = try #require(await other.send(try Outgoing.events(1)).first?.error)
        #expect(mismatch.code == .topologyMismatch && mismatch.replyCode == 406)
        #expect(mismatch.description.contains(queue.name))
        let checking = try queue.sink(topology: .check(exchanges: [queue.exchange], queues: [queue.name + "-x"]))
        #expect(await checking.send(try Outgoing.events(1)).first?.error?.code == .topologyMissing)
        let found = try queue.sink(topology: .check(exchanges: [queue.exchange], queues: [queue.name]))
        #expect(await found.send(try Outgoing.events(1)).allSatisfy(\.isSent))
        let source = try queue.source(topology: queue.topology(.quorum))
        let error = try await rabbitMQError { _ = try await source.receive(upTo: 1) }
        #expect(error.failureType == "rabbitmq.topology-mismatch")
        for sink in [sink, other, checking, found] { await sink.close() }
        await source.close()
    }

    @Test("who is not let in hears so, and no password is told")
    func access() async throws {
        let queue = try await TestQueue.shared()
        let brokers = try [
            queue.broker { $0.password = "top-secret" }, queue.broker { $0.virtualHost = "nowhere" },
        ]
        for broker in brokers {
            let sink = try RabbitMQEventSink(broker, configuration: .init(exchange: ""))
            let error = try #require(await sink.send(try Outgoing.events(1)).first?.error)
            #expect(error.code == .accessRefused)
            #expect(!error.description.contains("top-secret"))
            await sink.close()
        }
    }
}
#endif

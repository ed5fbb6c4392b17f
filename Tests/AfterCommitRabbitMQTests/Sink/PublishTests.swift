#if RabbitMQ
import AfterCommit
@testable import AfterCommitRabbitMQ
import Foundation
import Testing
import TestSupport

@Suite("Publishing with confirms", .timeLimit(.minutes(5)))
struct PublishTests {
    @Test(
        "an event comes out as it went in, with all attributes",
        arguments: [CloudEvent.ContentMode.binary, .structured])
    func roundTrip(mode: CloudEvent.ContentMode) async throws {
        let queue = try await TestQueue.shared()
        let payload = mode == .binary ? Data((0...255).map { UInt8($0) }) : Data("{\"ä\": 1.50}".utf8)
        let envelope = Outgoing.envelope(
            key: "order 7 ü", headers: ["traceparent": "00-1-2-01", "note": "größer\nals"],
            contentType: mode == .binary ? "application/octet-stream" : "application/json", payload: payload)
        let sink = try queue.sink {
            $0.contentMode = mode
            $0.naming = CloudEventNaming(typePrefix: "order")
        }
        let event = try Outgoing.event(envelope)
        let sent = CloudEvent(event, naming: CloudEventNaming(typePrefix: "order"))
        #expect(await sink.send([event]).map(\.isSent) == [true])
        let source = try queue.source()
        let message = try #require(try await source.take(1).first)
        let received = try message.cloudEvent()
        #expect(Set(received.attributes) == Set(sent.attributes))
        #expect(received.data == payload)
        #expect(received.contentType == envelope.contentType)
        #expect(message.redeliveries == 0)
        let taken = try Envelope(received, typePrefix: "order", receivedAt: Date(timeIntervalSince1970: 0))
        #expect(taken.id == envelope.id && taken.type == envelope.type && taken.orderingKey == envelope.orderingKey)
        await sink.close()
        await source.close()
    }

    @Test("several batches are under way at once, and each event has its outcome")
    func pipelined() async throws {
        let queue = try await TestQueue.shared()
        let sink = try queue.sink()
        let sent = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { await sink.send(try Outgoing.events(500)).filter(\.isSent).count }
            }
            return try await group.reduce(0, +)
        }
        #expect(sent == 4_000)
        let source = try queue.source()
        let messages = try await source.take(4_000)
        #expect(Set(messages.compactMap { $0.attributes["id"] }).count == 4_000)
        await sink.close()
        await source.close()
    }
}
#endif

#if HTTP
import AfterCommit
import AfterCommitHTTP
import Foundation
import NIOHTTP1
import Testing

@Suite("The request on the wire")
struct RequestTests {
    /// Sends one event to a receiver that accepts it, and returns what arrived.
    private func request(
        for envelope: Envelope, subscription: String = "data-platform",
        configuration: HTTPEventSinkConfiguration = .loopback()
    ) async throws -> ReceivedRequest {
        let receiver = try await Receiver { _ in .answer(.ok) }
        try await withClient { client in
            let sink = try HTTPEventSink(client: client, url: receiver.url, configuration: configuration)
            let context = Fixtures.context(envelope, subscription: subscription)
            try await sink.send(try context.payload(), context: context)
        }
        await receiver.stop()
        return try #require(await receiver.requests.first { _ in true })
    }

    @Test("has exactly the headers of a CloudEvent in binary mode")
    func headers() async throws {
        let configuration = HTTPEventSinkConfiguration.loopback {
            $0.eventTypePrefix = "com.example"
            $0.headers = ["Authorization": "Bearer secret"]
        }
        let request = try await request(
            for: Fixtures.envelope(headers: ["correlationid": "ä\"%b"]), configuration: configuration)
        #expect(request.head.method == .POST)
        #expect(request.head.uri == "/mock/orders")
        #expect(request.body == "{\"total\":7}")
        let headers = Dictionary(
            request.head.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { "\($0), \($1)" })
        #expect(
            headers.filter { !["host", "connection"].contains($0.key) } == [
                "authorization": "Bearer secret",
                "content-length": "11",
                "content-type": "application/json",
                "ce-specversion": "1.0",
                "ce-id": "0198d0c2-7b1e-7000-8000-0123456789ab",
                "ce-source": "https://shop.example/orders",
                "ce-type": "com.example.order.placed",
                "ce-time": "2026-08-22T10:15:30.123Z",
                "ce-subject": "order%207",
                "ce-partitionkey": "order%207",
                "ce-sequence": "00000000000000000042",
                "ce-correlationid": "%C3%A4%22%25b",
                "idempotency-key": "\"0198d0c2-7b1e-7000-8000-0123456789ab/data-platform\"",
            ])
    }

    @Test("leaves out what the event does not have")
    func sparse() async throws {
        let request = try await request(for: Fixtures.envelope(key: nil))
        #expect(request.head.headers["ce-subject"].isEmpty)
        #expect(request.head.headers["ce-partitionkey"].isEmpty)
        #expect(request.head.headers["traceparent"].isEmpty)
        #expect(request.head.headers["ce-type"] == ["order.placed"])
    }

    @Test("carries the starting trace in both places where nobody traces the attempt")
    func startingTrace() async throws {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let request = try await request(
            for: Fixtures.envelope(headers: ["traceparent": trace, "tracestate": "a=1"]))
        #expect(request.head.headers["traceparent"] == [trace])
        #expect(request.head.headers["tracestate"] == ["a=1"])
        #expect(request.head.headers["ce-traceparent"] == [trace])
        #expect(request.head.headers["ce-tracestate"] == ["a=1"])
    }

    @Test("lets no extension take an attribute's place")
    func reservedExtensions() async throws {
        let request = try await request(
            for: Fixtures.envelope(headers: ["id": "x", "type": "x", "specversion": "9", "datacontenttype": "x"]))
        #expect(request.head.headers["ce-id"] == [Fixtures.id.description])
        #expect(request.head.headers["ce-type"] == ["order.placed"])
        #expect(request.head.headers["ce-specversion"] == ["1.0"])
        #expect(request.head.headers["ce-datacontenttype"].isEmpty)
    }

    @Test("quotes the idempotency key as a structured field string")
    func idempotencyKey() async throws {
        let request = try await request(for: Fixtures.envelope(), subscription: "a\"b\\c%dü")
        #expect(request.head.headers["idempotency-key"] == ["\"\(Fixtures.id)/a\\\"b\\\\c%25d%C3%BC\""])
    }

    @Test("takes the source from the configuration where it names one")
    func source() async throws {
        let request = try await request(
            for: Fixtures.envelope(), configuration: .loopback { $0.source = "https://other.example/" })
        #expect(request.head.headers["ce-source"] == ["https://other.example/"])
    }
}
#endif

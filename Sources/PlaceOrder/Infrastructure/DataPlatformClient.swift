#if Example
import AfterCommit
import AfterCommitHTTP
import Foundation

/// The data platform's HTTP API: `POST /mock/orders` takes one event.
struct DataPlatformClient: EventSink {
    private let sink: HTTPEventSink
    private let timings: DeliveryTimings

    /// - Parameter url: where the platform is, such as `http://127.0.0.1:8081`.
    init(client: HTTPDeliveryClient, url: String, timings: DeliveryTimings) throws {
        let base = url.hasSuffix("/") ? String(url.dropLast()) : url
        sink = try HTTPEventSink(
            client: client, url: base + "/mock/orders",
            configuration: .init(
                // The mock platform is on this machine, or on one beside it; a receiver outside needs no such rule.
                addresses: .publicOnly.allowing(.loopback, .private), eventTypePrefix: "com.example"))
        self.timings = timings
    }

    func send(_ payload: Data, context: DeliveryContext) async throws {
        timings.attemptBegan(context.envelope.orderingKey)
        try await sink.send(payload, context: context)
        timings.delivered(context.envelope.orderingKey)
    }
}
#endif

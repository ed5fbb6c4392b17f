#if HTTP
import AfterCommit
import AfterCommitHTTP
import AsyncHTTPClient
import Foundation
import Logging

struct FixedWallClock: WallClock {
    var date = Date(timeIntervalSince1970: 1_787_393_730.123)
    func now() -> Date { date }
}

enum Fixtures {
    static let id = EventID("0198d0c2-7b1e-7000-8000-0123456789ab") ?? EventID(UUID())

    static func envelope(
        type: EventType = "order.placed", source: String = "https://shop.example/orders",
        key: String? = "order 7", headers: [String: String] = [:], contentType: String = "application/json"
    ) -> Envelope {
        Envelope(
            id: id, type: type, source: source, time: FixedWallClock().date, orderingKey: key, headers: headers,
            contentType: contentType, payload: .bytes(Data("{\"total\":7}".utf8)))
    }

    /// An attempt that the engine lets run for `timeout`: by default longer than any sink does.
    static func context(
        _ envelope: Envelope = envelope(), subscription: String = "data-platform",
        timeout: Duration = .seconds(3600)
    ) -> DeliveryContext {
        let time = TimeSource(ContinuousClock())
        let common = DeliveryContext.Common(
            subscription: subscription, policy: DeliveryPolicy(timeout: timeout),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), coder: JSONEventCoder(),
            time: time, wallClock: FixedWallClock())
        return DeliveryContext(
            ClaimedDelivery(sequence: 42, envelope: envelope), common: common, started: time.now())
    }
}

/// Runs `body` with a client that is shut down afterwards.
func withClient<R>(
    _ configuration: HTTPClient.Configuration = .eventDelivery(), _ body: (HTTPClient) async throws -> R
) async throws -> R {
    let client = HTTPClient(configuration: configuration)
    do {
        let result = try await body(client)
        try await client.shutdown()
        return result
    } catch {
        try await client.shutdown()
        throw error
    }
}

/// What one delivery to a receiver that replies so ends with; `nil` for a delivered event.
func outcome(
    of reply: Reply, configuration: HTTPEventSinkConfiguration = .init(wallClock: FixedWallClock())
) async throws -> (any Error)? {
    let receiver = try await Receiver { _ in reply }
    let error = try await withClient { client -> (any Error)? in
        let sink = try HTTPEventSink(client: client, url: receiver.url, configuration: configuration)
        do {
            try await sink.send(Data("{}".utf8), context: Fixtures.context())
            return nil
        } catch {
            return error
        }
    }
    await receiver.stop()
    return error
}

extension Error {
    /// `type`, `retry(seconds) type` or `permanent type`.
    var summary: String {
        func type(_ error: (any Error)?) -> String {
            (error as? any DeliveryFailureDescribing)?.failureType ?? String(describing: error)
        }
        guard let outcome = self as? HandlerOutcome else { return type(self) }
        return switch outcome.kind {
        case .retry(let delay, let cause): "retry(\(delay.components.seconds)) \(type(cause))"
        case .permanent(let error): "permanent \(type(error))"
        default: outcome.description
        }
    }
}
#endif

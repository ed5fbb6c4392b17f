#if Example
import AfterCommit
import AfterCommitHTTP
import Logging

/// Where the shop's events go.
enum Destination: Sendable {
    /// The data platform's HTTP API.
    /// - Parameter timeout: how long it may take to answer.
    case platform(url: String, timeout: Duration)
    case broker(BrokerChoice)

    /// Opens what events are sent with, for as long as `body` takes.
    func withMessaging<R: Sendable>(
        timings: DeliveryTimings, logger: Logger, _ body: (DataPlatformMessaging) async throws -> R
    ) async throws -> R {
        switch self {
        case .platform(let url, let timeout):
            let client = HTTPDeliveryClient()
            let result = await Self.result {
                try await body(
                    DataPlatformMessaging(
                        sink: try DataPlatformClient(client: client, url: url, timings: timings),
                        policy: .reference(timeout: timeout)))
            }
            try await client.shutdown()
            return try result.get()
        case .broker(let broker):
            let open = try broker.sink(logger: logger)
            let result = await Self.result {
                try await body(DataPlatformMessaging(sink: open.sink, policy: .relay))
            }
            await open.close()
            return try result.get()
        }
    }

    private static func result<R: Sendable>(_ body: () async throws -> R) async -> Result<R, any Error> {
        do {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }
}
#endif

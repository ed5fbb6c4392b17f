#if HTTP
public import AfterCommit
import AsyncHTTPClient
public import Foundation
import NIOCore
import NIOHTTP1

/// Sends events to an HTTP receiver as CloudEvents 1.0, one POST for each attempt.
///
/// ```swift
/// let client = HTTPDeliveryClient()
/// let sink = try HTTPEventSink(client: client, url: "https://data.example/orders")
/// Subscription("data-platform", to: OrderPlaced.self, policy: .http, sink: sink)
/// ```
///
/// The answer's status decides. 2xx is delivered. A network error, a timeout, 408, 425, 429 and 5xx are failed attempts
/// that are tried again, not before a Retry-After that came along. Every other answer, redirects included, is
/// permanent: a dead letter at once. 410 also asks for a pause of the endpoint (`EndpointPausing`). A body that is
/// still arriving at the deadline is a timeout, whatever its status.
///
/// Only addresses that the configuration allows are connected to, by default public ones. A host that has no such
/// address is a failed attempt (`http.address-refused`), since its DNS may be mended; a URL with such an address in it
/// is refused at once.
///
/// A receiver that wants proof of the sender gets signatures by Standard Webhooks, and verifies them with
/// ``WebhookVerifier``:
///
/// ```swift
/// var configuration = HTTPEventSinkConfiguration()
/// configuration.webhookSecrets = [try WebhookSecret("whsec_...")]
/// let sink = try HTTPEventSink(client: client, url: "https://data.example/orders", configuration: configuration)
/// ```
public struct HTTPEventSink: EventSink {
    private let client: HTTPDeliveryClient
    private let url: DeliveryURL
    private let configuration: HTTPEventSinkConfiguration

    /// - Parameters:
    ///   - client: yours to shut down.
    ///   - url: `http` or `https`, with a host, without credentials and without a fragment.
    ///   - configuration: timeouts, limits, names, allowed addresses and secrets.
    /// - Throws: ``HTTPEventSinkError`` for a URL or a configuration that cannot work.
    public init(
        client: HTTPDeliveryClient, url: String, configuration: HTTPEventSinkConfiguration = .init()
    ) throws(HTTPEventSinkError) {
        self.client = client
        self.url = try DeliveryURL(url)
        self.configuration = try configuration.validated()
        if let address = IPAddress(self.url.host), !configuration.addresses.allow(address) {
            throw HTTPEventSinkError(
                .addressRefused,
                "\(address) is a \(address.kind) address; allow them with HTTPEventSinkConfiguration.addresses")
        }
    }

    /// - Throws: ``HTTPDeliveryError`` for a failed attempt, `HandlerOutcome` for one that must wait or is permanent.
    public func send(_ payload: Data, context: DeliveryContext) async throws {
        let answer: Answer
        do {
            answer = try await exchange(request(payload, context), policyTimeout: context.policyTimeout)
        } catch let error as HTTPDeliveryError {
            throw error.isPermanent ? HandlerOutcome.permanent(error) : error
        }
        if let failure = answer.failure(host: url.host, wallClock: configuration.wallClock) { throw failure }
    }

    private func request(_ payload: Data, _ context: DeliveryContext) throws(HTTPDeliveryError) -> HTTPClientRequest {
        let message: CloudEventMessage
        do {
            message = try CloudEventMessage(payload, context, configuration: configuration)
        } catch {
            throw HTTPDeliveryError.request(host: url.host, cause: error)
        }
        var request = HTTPClientRequest(url: url.text)
        request.method = .POST
        request.headers = message.headers
        request.body = .bytes(ByteBuffer(bytes: message.body))
        return request
    }

    /// Sends the request and reads the answer under the deadline.
    private func exchange(
        _ request: HTTPClientRequest, policyTimeout: Duration
    ) async throws -> Answer {
        let timeout = configuration.timeout
        // Most policies are stricter than the sink: then the engine's one timer ends the attempt. A timer for each
        // request stays in memory until its time has come, long after the request is done.
        guard policyTimeout > timeout else { return try await answer(to: request) }
        let clock = configuration.clock
        let host = url.host
        return try await withThrowingTaskGroup(of: Answer.self) { group in
            group.addTask { try await answer(to: request) }
            group.addTask {
                try await clock.sleep(for: timeout)
                throw HTTPDeliveryError.timeout(host: host)
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    private func answer(to request: HTTPClientRequest) async throws -> Answer {
        try await client.execute(
            request, to: url, rules: configuration.addresses, wallClock: configuration.wallClock
        ) { response in
            try await drain(response.body)
            return Answer(status: response.status.code, retryAfter: response.headers["retry-after"])
        }
    }

    /// Reads the body so that the connection can be used again, up to the cap. Leaving earlier drops the connection.
    private func drain(_ body: HTTPClientResponse.Body) async throws {
        var count = 0
        for try await bytes in body {
            count += bytes.readableBytes
            if count > configuration.maxResponseBodyBytes { return }
        }
        // A cancelled body just ends; that is no answer.
        try Task.checkCancellation()
    }
}

extension DeliveryContext {
    /// How long the engine lets this attempt run.
    fileprivate var policyTimeout: Duration { .seconds(deadline.timeIntervalSince(startedAt)) }
}
#else
/// Delivery over HTTP, which needs the package trait `HTTP`.
@available(*, unavailable, message: "enable the package trait 'HTTP' of AfterCommit to deliver over HTTP")
public struct HTTPEventSink {}
#endif

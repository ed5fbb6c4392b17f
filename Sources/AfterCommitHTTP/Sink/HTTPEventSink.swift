#if HTTP
public import AfterCommit
public import AsyncHTTPClient
public import Foundation
import NIOCore
import NIOHTTP1

/// Sends events to an HTTP receiver as CloudEvents 1.0 in binary mode, one POST for each attempt.
///
/// ```swift
/// let client = HTTPClient(configuration: .eventDelivery())
/// let sink = try HTTPEventSink(client: client, url: "https://data.example/orders")
/// Subscription("data-platform", to: OrderPlaced.self, policy: .http, sink: sink)
/// ```
///
/// The answer's status decides. 2xx is delivered. A network error, a timeout, 408, 425, 429 and 5xx are failed attempts
/// that are tried again, not before a Retry-After that came along. Every other answer, redirects included, is
/// permanent: a dead letter at once. A body that is still arriving at the deadline is a timeout, whatever its status.
public struct HTTPEventSink: EventSink {
    private let client: HTTPClient
    private let url: DeliveryURL
    private let configuration: HTTPEventSinkConfiguration

    /// - Parameters:
    ///   - client: yours to shut down. Make it with `HTTPClient.Configuration.eventDelivery()`: other clients follow
    ///     redirects, try connections again on their own and may add a second `traceparent`.
    ///   - url: `http` or `https`, with a host, without credentials and without a fragment.
    ///   - configuration: timeouts, limits and names.
    /// - Throws: ``HTTPEventSinkError`` for a URL or a configuration that cannot work.
    public init(
        client: HTTPClient, url: String, configuration: HTTPEventSinkConfiguration = .init()
    ) throws(HTTPEventSinkError) {
        self.client = client
        self.url = try DeliveryURL(url)
        self.configuration = try configuration.validated()
    }

    /// - Throws: ``HTTPDeliveryError`` for a failed attempt, `HandlerOutcome` for one that must wait or is permanent.
    public func send(_ payload: Data, context: DeliveryContext) async throws {
        var request = HTTPClientRequest(url: url.text)
        request.method = .POST
        request.headers = CloudEventHeaders(configuration: configuration)(context)
        request.body = .bytes(ByteBuffer(bytes: payload))

        let answer: Answer
        do {
            answer = try await exchange(request, policyTimeout: context.policyTimeout)
        } catch let error as HTTPDeliveryError {
            throw error.isPermanent ? HandlerOutcome.permanent(error) : error
        }
        if let failure = answer.failure(host: url.host, wallClock: configuration.wallClock) { throw failure }
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
                throw HTTPDeliveryError.timeout(host: host, cause: nil)
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    private func answer(to request: HTTPClientRequest) async throws -> Answer {
        do {
            // The client's own deadline would end with the head; the one that counts is the caller's.
            let response = try await client.execute(request, deadline: .distantFuture)
            guard response.history.count <= 1 else {
                throw HTTPDeliveryError.redirectFollowed(host: url.host)
            }
            try await drain(response.body)
            return Answer(status: response.status.code, retryAfter: response.headers["retry-after"])
        } catch {
            try Task.checkCancellation()
            throw HTTPDeliveryError(error, host: url.host)
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

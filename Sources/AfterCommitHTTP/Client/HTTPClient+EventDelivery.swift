#if HTTP
public import AsyncHTTPClient
import NIOCore

extension HTTPClient.Configuration {
    /// A client for ``HTTPEventSink``: it follows no redirects, leaves retrying and tracing to the engine and
    /// inflates nothing.
    /// - Parameters:
    ///   - connectionsPerHost: how many HTTP/1 connections one receiver gets. Keep it at the subscription's concurrency
    ///     or above. Default 64.
    ///   - connectTimeout: how long making a connection may take. Default 5 s.
    public static func eventDelivery(
        connectionsPerHost: Int = 64, connectTimeout: Duration = .seconds(5)
    ) -> Self {
        var configuration = Self(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .nanoseconds(connectTimeout.nanoseconds)),
            decompression: .disabled)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, connectionsPerHost)
        // A refused connection is a failed attempt: the subscription's policy says when to come back.
        configuration.connectionPool.retryConnectionEstablishment = false
        // The sink sends the attempt's own trace context; the client would add a second one.
        configuration.tracing.tracer = nil
        return configuration
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return Swift.min(seconds, 1_000_000_000) * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
#endif

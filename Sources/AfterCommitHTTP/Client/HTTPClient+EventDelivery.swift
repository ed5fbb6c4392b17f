#if HTTP
public import AsyncHTTPClient
import NIOCore

extension HTTPClient.Configuration {
    /// What an ``HTTPDeliveryClient`` is made with. Change what you need, such as `tlsConfiguration` or `proxy`.
    /// - Parameters:
    ///   - connectionsPerHost: how many HTTP/1 connections one address of a receiver gets. Keep it at the subscription's
    ///     concurrency or above. Default 64.
    ///   - connectTimeout: how long making a connection may take. Default 5 s.
    ///   - idleTimeout: how long a receiver may send nothing while an answer is due. Default 15 s.
    public static func eventDelivery(
        connectionsPerHost: Int = 64, connectTimeout: Duration = .seconds(5), idleTimeout: Duration = .seconds(15)
    ) -> Self {
        var configuration = Self(
            timeout: .init(
                connect: .nanoseconds(connectTimeout.nanoseconds), read: .nanoseconds(idleTimeout.nanoseconds)),
            decompression: .disabled)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, connectionsPerHost)
        return configuration.forDelivery()
    }

    /// What holds for every delivery, whatever else is configured.
    func forDelivery() -> Self {
        var configuration = self
        // A redirect could lead to an address that nobody has checked.
        configuration.redirectConfiguration = .disallow
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

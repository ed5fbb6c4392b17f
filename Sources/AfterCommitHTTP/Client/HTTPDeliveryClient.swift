#if HTTP
import AfterCommit
public import AsyncHTTPClient
public import NIOCore

/// The connections that ``HTTPEventSink``s deliver over. Any number of sinks can share one.
///
/// It asks DNS itself, lets the sink's ``AddressRules`` choose among the addresses, and connects to exactly an address
/// that was allowed, with the URL's host in `Host` and in TLS. So what a name means may change between the check and
/// the connection, and nothing comes of it. It follows no redirects, repeats no request on its own and adds no headers.
///
/// ```swift
/// let client = HTTPDeliveryClient()
/// let sink = try HTTPEventSink(client: client, url: "https://data.example/orders")
/// // ... and when the engine has stopped:
/// try await client.shutdown()
/// ```
public final class HTTPDeliveryClient: Sendable {
    private let clients: PinnedClients
    private let lookups: HostLookups
    private let dnsOverride: [String: String]
    private let usesProxy: Bool

    /// - Parameters:
    ///   - configuration: timeouts, TLS, a proxy. Redirects, the client's own retries and its tracing are always off.
    ///     A proxy's own address is yours to know and is not checked; it is told the checked address of the receiver.
    ///   - eventLoopGroup: where connections live. Default: the process's own.
    ///   - resolver: finds the addresses of hosts. Default: the system's.
    ///   - resolutionLifetime: how long its answers are used before it is asked again. Default 5 s.
    ///   - clock: measures `resolutionLifetime`.
    public init(
        configuration: HTTPClient.Configuration = .eventDelivery(),
        eventLoopGroup: any EventLoopGroup = HTTPClient.defaultEventLoopGroup,
        resolver: any HostResolver = SystemHostResolver(),
        resolutionLifetime: Duration = .seconds(5),
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        let configuration = configuration.forDelivery()
        dnsOverride = configuration.dnsOverride
        usesProxy = configuration.proxy != nil
        lookups = HostLookups(resolver: resolver, lifetime: resolutionLifetime, time: TimeSource(clock))
        clients = PinnedClients { pin in
            var pinned = configuration
            pinned.dnsOverride = IPAddress(pin.host) == nil ? [pin.host: pin.address.description] : [:]
            return HTTPClient(eventLoopGroup: eventLoopGroup, configuration: pinned)
        }
    }

    /// Closes all connections. Deliveries under way, and later ones, are failed attempts.
    /// - Throws: `HTTPClientError.alreadyShutdown` the second time.
    public func shutdown() async throws {
        try await clients.shutdown()
    }

    /// Sends `request` to an address of `url`'s host that `rules` allow, and gives its answer to `read`.
    /// - Throws: ``HTTPDeliveryError``, `CancellationError` where the task was cancelled.
    func execute<Answer: Sendable>(
        _ request: HTTPClientRequest, to url: DeliveryURL, rules: AddressRules, wallClock: any WallClock,
        read: (HTTPClientResponse) async throws -> Answer
    ) async throws -> Answer {
        // A literal address is connected to as it stands, whatever an override says of it.
        let name = IPAddress(url.host) == nil ? dnsOverride[url.host] ?? url.host : url.host
        var failure: (any Error)?
        for address in try await allowedAddresses(of: name, url: url, rules: rules) {
            do {
                let answer = try await clients.withClient(.init(host: url.host, address: address)) { client in
                    // The client's own deadline would end with the head; the one that counts is the caller's.
                    try await read(try await client.execute(request, deadline: .distantFuture))
                }
                lookups.answered(address, of: name)
                return answer
            } catch {
                lookups.gaveNoAnswer(address, of: name)
                try Task.checkCancellation()
                let error = await explained(HTTPDeliveryError(error, host: url.host), at: address, url, wallClock)
                guard error.isUnreachable else { throw error }
                failure = error
            }
        }
        throw failure
            ?? HTTPDeliveryError.unresolved(
                host: url.host, cause: HostResolutionError(host: name, reason: "no address"))
    }

    private func allowedAddresses(of name: String, url: DeliveryURL, rules: AddressRules) async throws -> [IPAddress] {
        let addresses: [IPAddress]
        if let literal = IPAddress(name) {
            addresses = [literal]
        } else {
            do {
                addresses = try await lookups.addresses(of: name)
            } catch {
                try Task.checkCancellation()
                throw HTTPDeliveryError.unresolved(host: url.host, cause: error)
            }
        }
        let allowed = addresses.filter(rules.allow)
        if allowed.isEmpty, let refused = addresses.first {
            throw HTTPDeliveryError.addressRefused(refused, host: url.host)
        }
        return allowed
    }

    /// Says what is wrong with a certificate that was not accepted: the TLS library keeps it to itself.
    private func explained(
        _ error: HTTPDeliveryError, at address: IPAddress, _ url: DeliveryURL, _ wallClock: any WallClock
    ) async -> HTTPDeliveryError {
        guard error.isRefusedCertificate, !usesProxy,
            let certificates = try? await CertificateInspection.certificates(
                at: address.socketAddress(port: url.port), host: url.host)
        else { return error }
        return error.explained(by: CertificateInspection.fault(of: certificates, now: wallClock.now()))
    }
}
#endif

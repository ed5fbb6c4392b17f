#if HTTP
public import AfterCommit
import AsyncHTTPClient
import NIOCore
import NIOPosix

/// An attempt to deliver over HTTP that failed. It names the host only: paths and queries may hold secrets.
public struct HTTPDeliveryError: DeliveryFailureDescribing, CustomStringConvertible {
    private enum Code: Hashable {
        case status(Int)
        case timeout
        case connection
        case dns
        case tls
        case request
        case redirectFollowed
    }

    private let code: Code
    /// The receiver's host.
    public let host: String
    /// What lay below, where there was something.
    public let cause: (any Error)?

    private init(_ code: Code, host: String, cause: (any Error)? = nil) {
        self.code = code
        self.host = host
        self.cause = cause
    }

    /// One of `http.<status>`, `timeout`, `connection`, `dns`, `tls`, `request` and `redirect`.
    public var failureType: String {
        switch code {
        case .status(let status): "http.\(status)"
        case .timeout: "timeout"
        case .connection: "connection"
        case .dns: "dns"
        case .tls: "tls"
        case .request: "request"
        case .redirectFollowed: "redirect"
        }
    }

    public var failureStatus: Int? {
        if case .status(let status) = code { status } else { nil }
    }

    /// Whether the same request would fail again.
    var isPermanent: Bool { code == .request || code == .redirectFollowed }

    public var description: String {
        let text =
            switch code {
            case .status(let status): "\(host) answered with status \(status)"
            case .timeout: "\(host) did not answer completely in time"
            case .connection: "no connection to \(host), or it broke"
            case .dns: "\(host) cannot be resolved"
            case .tls: "no TLS connection to \(host)"
            case .request: "the request to \(host) cannot be sent as it is"
            case .redirectFollowed:
                "the HTTP client followed a redirect of \(host); make it with HTTPClient.Configuration.eventDelivery()"
            }
        return cause.map { "\(text): \($0)" } ?? text
    }
}

extension HTTPDeliveryError {
    static func status(_ status: Int, host: String) -> Self { Self(.status(status), host: host) }
    static func timeout(host: String, cause: (any Error)?) -> Self { Self(.timeout, host: host, cause: cause) }
    static func redirectFollowed(host: String) -> Self { Self(.redirectFollowed, host: host) }

    /// Sorts what the client threw into the few classes an operator tells apart.
    init(_ error: any Error, host: String) {
        switch error {
        case let error as Self:
            self = error
        case let error as HTTPClientError:
            self.init(Self.code(of: error), host: host, cause: error)
        case let error as NIOConnectionError:
            let unresolved = error.dnsAError != nil && error.dnsAAAAError != nil
            self.init(unresolved && error.connectionErrors.isEmpty ? .dns : .connection, host: host, cause: error)
        case is SocketAddressError:
            self.init(.dns, host: host, cause: error)
        default:
            // The TLS library's error types are not this module's to import; their module's name says enough.
            let type = String(reflecting: Swift.type(of: error))
            self.init(type.hasPrefix("NIOSSL.") ? .tls : .connection, host: host, cause: error)
        }
    }

    private static func code(of error: HTTPClientError) -> Code {
        switch error {
        case .connectTimeout, .readTimeout, .writeTimeout, .deadlineExceeded, .getConnectionFromPoolTimeout:
            .timeout
        case .tlsHandshakeTimeout: .tls
        case .redirectLimitReached, .redirectCycleDetected: .redirectFollowed
        case .invalidURL, .emptyHost, .emptyScheme: .request
        // The client was shut down before the engine: the events are not to blame.
        case .alreadyShutdown: .connection
        default:
            ["Invalid header field names", "Invalid header field values"].contains(error.shortDescription)
                ? .request : .connection
        }
    }
}
#endif

#if HTTP
import AsyncHTTPClient
import NIOCore
import NIOPosix
import NIOSSL

extension HTTPDeliveryError {
    static func status(_ status: Int, host: String) -> Self { Self(.status(status), host: host) }
    static func timeout(host: String) -> Self { Self(.timeout, host: host) }
    static func unresolved(host: String, cause: any Error) -> Self { Self(.dns, host: host, cause: cause) }
    static func request(host: String, cause: any Error) -> Self { Self(.request, host: host, cause: cause) }

    static func addressRefused(_ address: IPAddress, host: String) -> Self {
        Self(.address(address.kind), host: host, cause: RefusedAddress(address: address))
    }

    /// An address that the sink's rules do not allow.
    private struct RefusedAddress: Error, CustomStringConvertible {
        let address: IPAddress
        var description: String { "\(address)" }
    }

    /// Whether the same request would fail again.
    var isPermanent: Bool { code == .request }

    /// Whether the receiver cannot have seen anything of the request, so that another of its addresses can be tried.
    var isUnreachable: Bool { code == .refused }

    /// Whether a certificate was not accepted, and nobody has said yet why.
    var isRefusedCertificate: Bool {
        code == .tls && cause.map { String(describing: $0).contains("CERTIFICATE_VERIFY_FAILED") } == true
    }

    func explained(by fault: CertificateFault) -> Self {
        Self(.certificate(fault), host: host, cause: cause)
    }

    /// Sorts what the client threw into the few classes an operator tells apart.
    init(_ error: any Error, host: String) {
        switch error {
        case let error as Self: self = error
        case let error as HTTPClientError: self.init(Self.code(of: error), host: host, cause: error)
        case let error as NIOSSLExtraError:
            self.init(
                error == .failedToValidateHostname ? .certificate(.wrongHost) : .tls, host: host, cause: error)
        case is NIOSSLError, is BoringSSLError: self.init(.tls, host: host, cause: error)
        case let error as IOError:
            let refusals = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, EACCES, EPERM, EAFNOSUPPORT]
            self.init(refusals.contains(error.errnoCode) ? .refused : .connection, host: host, cause: error)
        default: self.init(.connection, host: host, cause: error)
        }
    }

    private static func code(of error: HTTPClientError) -> Code {
        switch error {
        case .connectTimeout: .refused
        case .readTimeout, .writeTimeout, .deadlineExceeded, .getConnectionFromPoolTimeout: .timeout
        case .tlsHandshakeTimeout: .tls
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

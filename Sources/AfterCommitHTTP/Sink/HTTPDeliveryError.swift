#if HTTP
public import AfterCommit

/// An attempt to deliver over HTTP that failed. It names the host only: paths and queries may hold secrets.
public struct HTTPDeliveryError: DeliveryFailureDescribing, EndpointPausing, CustomStringConvertible {
    enum Code: Hashable {
        case status(Int)
        case timeout
        case connection
        case refused
        case dns
        case address(AddressKind)
        case tls
        case certificate(CertificateFault)
        case request
    }

    /// What is wrong with a receiver's certificate.
    enum CertificateFault: String {
        case expired
        case notYetValid = "not-yet-valid"
        case selfSigned = "self-signed"
        case untrusted
        case wrongHost = "wrong-host"
    }

    let code: Code
    /// The receiver's host.
    public let host: String
    /// What lay below, where there was something.
    public let cause: (any Error)?

    init(_ code: Code, host: String, cause: (any Error)? = nil) {
        self.code = code
        self.host = host
        self.cause = cause
    }

    /// A label from a small set, for logs, metrics and groups of dead letters:
    ///
    /// | label | what happened |
    /// |---|---|
    /// | `http.<status>` | the receiver answered so |
    /// | `timeout` | no complete answer within the deadline, or nothing at all for the idle timeout |
    /// | `connection.refused` | nothing listens there, or no way leads there |
    /// | `connection` | the connection broke, or what came is no HTTP |
    /// | `dns` | the host cannot be resolved |
    /// | `http.address-refused` | the host has no address that the sink's ``AddressRules`` allow |
    /// | `tls.expired`, `tls.not-yet-valid`, `tls.self-signed`, `tls.untrusted`, `tls.wrong-host` | its certificate |
    /// | `tls` | no TLS connection for another reason |
    /// | `request` | the request cannot be sent: a header of the event is none |
    public var failureType: String {
        switch code {
        case .status(let status): "http.\(status)"
        case .timeout: "timeout"
        case .connection: "connection"
        case .refused: "connection.refused"
        case .dns: "dns"
        case .address: "http.address-refused"
        case .tls: "tls"
        case .certificate(let fault): "tls.\(fault.rawValue)"
        case .request: "request"
        }
    }

    public var failureStatus: Int? {
        if case .status(let status) = code { status } else { nil }
    }

    /// 410 Gone: the receiver says that nobody is there any more, so sending it the next event is pointless.
    public var pausesEndpoint: Bool { code == .status(410) }

    public var description: String {
        let text =
            switch code {
            case .status(410): "\(host) answered with status 410: the receiver is gone for good"
            case .status(let status): "\(host) answered with status \(status)"
            case .timeout: "\(host) did not answer completely in time"
            case .connection: "the connection to \(host) broke, or its answer is no HTTP"
            case .refused: "no connection to \(host)"
            case .dns: "\(host) cannot be resolved"
            case .address(let kind):
                "\(host) has no allowed address, but a \(kind) one: mend its DNS, or allow them with "
                    + "HTTPEventSinkConfiguration.addresses"
            case .tls: "no TLS connection to \(host)"
            case .certificate(let fault): "the certificate of \(host) is not accepted: \(fault.explanation)"
            case .request: "the request to \(host) cannot be sent as it is"
            }
        return cause.map { "\(text): \($0)" } ?? text
    }
}

extension HTTPDeliveryError.CertificateFault {
    var explanation: String {
        switch self {
        case .expired: "it has expired"
        case .notYetValid: "it is not valid yet"
        case .selfSigned: "it is self-signed and not among the trusted ones"
        case .untrusted: "nobody who is trusted has signed it"
        case .wrongHost: "it is another host's"
        }
    }
}
#endif

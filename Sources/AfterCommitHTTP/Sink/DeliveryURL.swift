#if HTTP
import Foundation

/// A URL that events can be sent to, checked once.
struct DeliveryURL: Sendable {
    let text: String
    /// As the HTTP client reads it, an IPv6 address without its brackets. Error messages name it alone: paths and
    /// queries of webhooks hold secrets.
    let host: String
    let port: Int

    init(_ text: String) throws(HTTPEventSinkError) {
        func invalid(_ reason: String) -> HTTPEventSinkError {
            HTTPEventSinkError(.invalidURL, "the delivery URL \(reason)")
        }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), let parts = URLComponents(string: text),
            // The client reads it with URL. What is checked must be the host that it connects to.
            let url = URL(string: text)
        else {
            throw invalid("cannot be parsed; percent-encode what is not ASCII")
        }
        guard let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme) else {
            throw invalid("must begin with http:// or https://")
        }
        // An IPv6 address stands in brackets, which the client takes off.
        func bare(_ host: String) -> String { host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host }
        guard let written = parts.host, let host = url.host.map(bare), !host.isEmpty else {
            throw invalid("has no host")
        }
        guard bare(written) == host, IPAddress(host) != nil || written == host && Self.isName(host) else {
            throw invalid("has a host with characters other than letters, digits, '-', '.' and '_'")
        }
        guard parts.user == nil, parts.password == nil else {
            throw invalid("contains credentials; send them in the header 'authorization' instead")
        }
        guard parts.fragment == nil else { throw invalid("has a fragment, which is never sent") }
        let port = url.port ?? (scheme == "https" ? 443 : 80)
        guard (1...65_535).contains(port) else { throw invalid("has a port outside 1 to 65,535") }
        self.text = text
        self.host = host
        self.port = port
    }

    private static func isName(_ host: String) -> Bool {
        host.utf8.allSatisfy { HeaderValue.isLetterOrDigit($0) || "-._".utf8.contains($0) }
    }
}
#endif

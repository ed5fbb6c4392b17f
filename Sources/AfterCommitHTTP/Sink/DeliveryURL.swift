#if HTTP
import Foundation

/// A URL that events can be sent to, checked once.
struct DeliveryURL: Sendable {
    let text: String
    /// For error messages: paths and queries of webhooks hold secrets.
    let host: String

    init(_ text: String) throws(HTTPEventSinkError) {
        func invalid(_ reason: String) -> HTTPEventSinkError {
            HTTPEventSinkError(.invalidURL, "the delivery URL \(reason)")
        }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), let url = URLComponents(string: text) else {
            throw invalid("cannot be parsed; percent-encode what is not ASCII")
        }
        guard let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme) else {
            throw invalid("must begin with http:// or https://")
        }
        guard let host = url.host, !host.isEmpty else { throw invalid("has no host") }
        guard url.user == nil, url.password == nil else {
            throw invalid("contains credentials; send them in the header 'authorization' instead")
        }
        guard url.fragment == nil else { throw invalid("has a fragment, which is never sent") }
        if let port = url.port, !(1...65_535).contains(port) { throw invalid("has a port outside 1 to 65,535") }
        self.text = text
        self.host = host
    }
}
#endif

#if HTTP
extension HTTPEventSinkConfiguration {
    /// Names the sink or the client fills in, beside everything that begins with `ce-`.
    private static let ownHeaders: Set<String> = [
        "connection", "content-length", "content-type", "host", "idempotency-key", "traceparent", "tracestate",
        "transfer-encoding",
    ]

    func validated() throws(HTTPEventSinkError) -> Self {
        guard timeout > .zero else {
            throw HTTPEventSinkError(.invalidConfiguration, "the timeout must be longer than nothing")
        }
        guard maxResponseBodyBytes >= 0 else {
            throw HTTPEventSinkError(.invalidConfiguration, "maxResponseBodyBytes must not be negative")
        }
        for (name, value) in headers {
            let lowercased = name.lowercased()
            guard Self.isToken(name), value.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
                throw HTTPEventSinkError(.invalidHeader, "the header '\(name)' has characters HTTP does not allow")
            }
            guard !Self.ownHeaders.contains(lowercased), !lowercased.hasPrefix("ce-") else {
                throw HTTPEventSinkError(.invalidHeader, "the header '\(name)' is the sink's own to send")
            }
        }
        return self
    }

    /// RFC 9110, section 5.6.2.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains($0)
                }
            }
    }
}
#endif

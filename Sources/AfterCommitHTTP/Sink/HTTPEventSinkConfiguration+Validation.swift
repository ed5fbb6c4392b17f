#if HTTP
import AfterCommit

extension HTTPEventSinkConfiguration {
    /// Names the sink or the client fills in, beside everything that begins with `ce-` or `webhook-`.
    private static let ownHeaders: Set<String> = [
        "connection", "content-length", "content-type", "host", "idempotency-key", "traceparent", "tracestate",
        "transfer-encoding",
    ]

    func validated() throws(HTTPEventSinkError) -> Self {
        func invalid(_ message: String) -> HTTPEventSinkError { HTTPEventSinkError(.invalidConfiguration, message) }
        guard timeout > .zero else { throw invalid("the timeout must be longer than nothing") }
        guard maxResponseBodyBytes >= 0 else { throw invalid("maxResponseBodyBytes must not be negative") }
        guard !addresses.kinds.isEmpty else { throw invalid("addresses must allow some kind of address") }
        guard eventTypePrefix.map(Self.isReverseDNS) != false else {
            throw invalid("eventTypePrefix must be letters, digits and '-' between dots, such as 'com.example'")
        }
        guard source?.isEmpty != true else { throw invalid("source must not be empty; leave it nil for the event's") }
        for (name, value) in headers {
            let lowercased = name.lowercased()
            guard HeaderValue.isToken(name), value.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
                throw HTTPEventSinkError(
                    .invalidHeader, "the header \(JSONText.quoted(name)) has characters HTTP does not allow")
            }
            guard !Self.ownHeaders.contains(lowercased), !lowercased.hasPrefix("ce-"), !lowercased.hasPrefix("webhook-")
            else {
                throw HTTPEventSinkError(.invalidHeader, "the header '\(name)' is the sink's own to send")
            }
        }
        return self
    }

    private static func isReverseDNS(_ text: String) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.utf8.allSatisfy { HeaderValue.isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
        }
    }
}
#endif

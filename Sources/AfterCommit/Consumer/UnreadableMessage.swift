import Foundation

/// A message that is no event, stored as one of a type of its own, so that it becomes a dead letter with its bytes.
struct UnreadableMessage {
    /// The names of its headers.
    private enum Header {
        static let reason = "reason"
        static let transport = "transport"
        static let key = "transportkey"
    }

    /// What is kept of a transport's headers, in bytes of JSON.
    private static let maxHeaderBytes = 65_536

    /// The consumer that took it.
    let consumer: String

    var type: EventType { EventType(rawValue: "unreadable.\(consumer)") }

    /// - Parameter reason: why it is unreadable.
    func envelope(of message: IncomingMessage, reason: any Error, id: EventID, now: Date) -> Envelope {
        var headers = [Header.reason: DeliveryLog.oneLine(String(String(describing: reason).prefix(500)))]
        let transport = Self.json(message.headers)
        // Half a header is of no use to whoever tries to read it again.
        if transport.utf8.count <= Self.maxHeaderBytes { headers[Header.transport] = transport }
        headers[Header.key] = message.key.map { Self.json([Header.key: $0]) }
        return Envelope(
            id: id, type: type, source: "/", time: now, headers: headers,
            contentType: message.contentType.map { DeliveryLog.oneLine($0) } ?? "application/octet-stream",
            payload: .bytes(message.body))
    }

    /// The message as it was received, as far as it was kept.
    static func message(of envelope: Envelope, attributePrefixes: [String]) throws -> IncomingMessage {
        func dictionary(_ header: String) -> [String: String] {
            guard let text = envelope.headers[header] else { return [:] }
            return (try? JSONDecoder().decode([String: String].self, from: Data(text.utf8))) ?? [:]
        }
        return IncomingMessage(
            receipt: IncomingMessage.Receipt(channel: 0, tag: 0), body: try envelope.bytes(using: JSONEventCoder()),
            contentType: envelope.contentType, headers: dictionary(Header.transport),
            attributePrefixes: attributePrefixes, key: dictionary(Header.key)[Header.key])
    }

    /// What was said of it when it was received.
    static func reason(of envelope: Envelope) -> String { envelope.headers[Header.reason] ?? "unreadable" }

    /// A JSON object without control characters, which some storages refuse.
    private static func json(_ texts: [String: String]) -> String {
        let members = texts.sorted { $0.key < $1.key }.map { "\(JSONText.quoted($0.key)):\(JSONText.quoted($0.value))" }
        return "{\(members.joined(separator: ","))}"
    }
}

#if HTTP
public import Foundation

/// Signs messages by Standard Webhooks. ``HTTPEventSink`` does it by itself with
/// ``HTTPEventSinkConfiguration/webhookSecrets``; this is for tests of receivers, and for senders of one's own.
///
/// ```swift
/// let headers = WebhookSigner(secrets: [secret]).headers(id: "msg_1", timestamp: clock.now(), body: body)
/// ```
public struct WebhookSigner: Sendable {
    private let secrets: [WebhookSecret]

    /// - Parameter secrets: each signs once. While a secret is changed for another, both do.
    public init(secrets: [WebhookSecret]) {
        self.secrets = secrets
    }

    /// - Parameters:
    ///   - id: the same for every attempt to send the message.
    ///   - timestamp: when this attempt is made.
    ///   - body: the bytes that are sent.
    /// - Returns: `webhook-id`, `webhook-timestamp` (Unix seconds) and `webhook-signature`.
    public func headers(id: String, timestamp: Date, body: Data) -> [(name: String, value: String)] {
        let seconds = String(Int(min(max(timestamp.timeIntervalSince1970, 0), 253_402_300_799)))
        let signatures = secrets.map { secret in
            "v1,\(Data(secret.code(id: id, timestamp: seconds, body: body)).base64EncodedString())"
        }
        return [
            (WebhookHeader.id, id), (WebhookHeader.timestamp, seconds),
            (WebhookHeader.signature, signatures.joined(separator: " ")),
        ]
    }
}

/// The names of Standard Webhooks' headers.
enum WebhookHeader {
    static let id = "webhook-id"
    static let timestamp = "webhook-timestamp"
    static let signature = "webhook-signature"
}
#endif

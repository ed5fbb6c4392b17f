#if HTTP
import Crypto
public import Foundation

/// A secret that a sender and a receiver share, by Standard Webhooks: `whsec_` and base64 of 24 to 64 random bytes.
///
/// Make one with `echo "whsec_$(openssl rand -base64 32)"`. It is never part of a description, a dump or a log.
///
/// ```swift
/// let secret = try WebhookSecret(environment["WEBHOOK_SECRET"] ?? "")
/// ```
public struct WebhookSecret: Sendable {
    /// How many bytes a secret may have.
    public static let byteCount = 24...64

    private let key: SymmetricKey

    /// Reads `whsec_` and base64 (RFC 4648, section 4, with its padding).
    public init(_ text: String) throws(WebhookSecretError) {
        let prefix = "whsec_"
        guard text.hasPrefix(prefix) else { throw WebhookSecretError.missingPrefix }
        guard let bytes = Data(base64Encoded: String(text.dropFirst(prefix.count))) else {
            throw WebhookSecretError.notBase64
        }
        try self.init(bytes: bytes)
    }

    /// - Parameter bytes: 24 to 64 bytes nobody can guess.
    public init(bytes: some ContiguousBytes) throws(WebhookSecretError) {
        let key = SymmetricKey(data: bytes)
        let count = key.bitCount / 8
        guard Self.byteCount.contains(count) else { throw WebhookSecretError.wrongLength(bytes: count) }
        self.key = key
    }

    /// HMAC-SHA256 of `id.timestamp.body`.
    func code(id: String, timestamp: String, body: Data) -> HMAC<SHA256>.MAC {
        var hmac = HMAC<SHA256>(key: key)
        hmac.update(data: Data("\(id).\(timestamp).".utf8))
        hmac.update(data: body)
        return hmac.finalize()
    }
}

extension WebhookSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "WebhookSecret(hidden)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A text that is no ``WebhookSecret``. It says nothing of the text itself.
public enum WebhookSecretError: Error, Hashable, CustomStringConvertible {
    case missingPrefix
    case notBase64
    case wrongLength(bytes: Int)

    public var description: String {
        switch self {
        case .missingPrefix: "a webhook secret begins with 'whsec_'"
        case .notBase64: "what follows 'whsec_' in a webhook secret is base64 with its padding"
        case .wrongLength(let bytes):
            "a webhook secret has 24 to 64 bytes, this one has \(bytes); make one with: openssl rand -base64 32"
        }
    }
}
#endif

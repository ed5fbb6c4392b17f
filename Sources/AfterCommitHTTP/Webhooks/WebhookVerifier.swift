#if HTTP
public import AfterCommit
import Crypto
public import Foundation

/// Verifies, in a receiver, that a message comes from somebody who knows the secret, and is new (Standard Webhooks).
///
/// ```swift
/// let verifier = try WebhookVerifier(secrets: [secret])
/// router.post("orders") { request, _ in
///     let body = try await request.body.collect(upTo: 1_000_000)
///     do {
///         let message = try verifier.verify(Data(buffer: body)) { name in
///             HTTPField.Name(name).flatMap { request.headers[$0] }
///         }
///         // message.id is the same for every attempt: handle it once.
///     } catch {
///         return Response(status: .unauthorized)
///     }
/// }
/// ```
///
/// Give it the bytes as they came, before anything parses them.
public struct WebhookVerifier: Sendable {
    /// A message whose signature is right.
    public struct Message: Hashable, Sendable {
        /// The same for every attempt to send it.
        public let id: String
        /// When this attempt was made, by the sender's clock.
        public let timestamp: Date
    }

    private let secrets: [WebhookSecret]
    private let tolerance: Duration
    private let wallClock: any WallClock

    /// - Parameters:
    ///   - secrets: any of them will do. While a secret is changed for another, give both.
    ///   - tolerance: how far the timestamp may be from now, in either direction. Default 5 min.
    ///   - wallClock: tells what now is.
    /// - Throws: ``WebhookVerificationError`` with the code `noSecrets`.
    public init(
        secrets: [WebhookSecret], tolerance: Duration = .seconds(300), wallClock: any WallClock = SystemWallClock()
    ) throws(WebhookVerificationError) {
        guard !secrets.isEmpty else {
            throw WebhookVerificationError(.noSecrets, "a verifier needs at least one secret")
        }
        self.secrets = secrets
        self.tolerance = tolerance
        self.wallClock = wallClock
    }

    /// - Parameters:
    ///   - body: the bytes that arrived, not what they were parsed to.
    ///   - header: the value of the header of a (lower-case) name, or `nil`.
    /// - Throws: ``WebhookVerificationError``. Answer it with 401; its text is for the log.
    public func verify(
        _ body: Data, header: (String) -> String?
    ) throws(WebhookVerificationError) -> Message {
        func value(_ name: String) throws(WebhookVerificationError) -> String {
            guard let value = header(name), !value.isEmpty else {
                throw WebhookVerificationError(.missingHeader, "the header '\(name)' is missing")
            }
            return value
        }
        let id = try value(WebhookHeader.id)
        let timestamp = try value(WebhookHeader.timestamp)
        let signatures = try value(WebhookHeader.signature)
        // Twelve digits last until the year 33658, and cannot overflow.
        guard timestamp.utf8.count <= 12, timestamp.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let seconds = Int(timestamp)
        else {
            throw WebhookVerificationError(.malformedTimestamp, "the header 'webhook-timestamp' has no Unix seconds")
        }
        let date = Date(timeIntervalSince1970: Double(seconds))
        try checkAge(of: date)
        try checkSignatures(signatures, id: id, timestamp: timestamp, body: body)
        return Message(id: id, timestamp: date)
    }

    private func checkAge(of date: Date) throws(WebhookVerificationError) {
        let age = Duration.seconds(wallClock.now().timeIntervalSince(date))
        if age > tolerance {
            throw WebhookVerificationError(.tooOld, "the message is older than \(tolerance): a replay, or a late clock")
        }
        if age < .zero - tolerance {
            throw WebhookVerificationError(
                .tooNew, "the message is more than \(tolerance) in the future: a wrong clock")
        }
    }

    private func checkSignatures(
        _ list: String, id: String, timestamp: String, body: Data
    ) throws(WebhookVerificationError) {
        let version = "v1,"
        let known = list.split(separator: " ").filter { $0.hasPrefix(version) }
        guard !known.isEmpty else {
            throw WebhookVerificationError(
                .noKnownSignature, "the header 'webhook-signature' has no signature of version 1")
        }
        let codes = secrets.map { $0.code(id: id, timestamp: timestamp, body: body) }
        let given = known.compactMap { Data(base64Encoded: String($0.dropFirst(version.count))) }
        // The comparison of codes takes the same time wherever they differ.
        guard given.contains(where: { signature in codes.contains { $0 == signature } }) else {
            throw WebhookVerificationError(
                .wrongSignature, "no signature fits: another secret, or the body was changed or parsed on its way")
        }
    }
}
#endif

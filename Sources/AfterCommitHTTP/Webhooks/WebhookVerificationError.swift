#if HTTP
/// A message that is not what it claims to be, or a verifier that cannot tell.
public struct WebhookVerificationError: Error, Hashable, CustomStringConvertible {
    /// What is wrong. More codes may come; switch with a default.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// The verifier was given no secret.
        public static let noSecrets = Code(description: "noSecrets")
        /// One of the three headers is missing or empty.
        public static let missingHeader = Code(description: "missingHeader")
        /// The timestamp is no Unix seconds.
        public static let malformedTimestamp = Code(description: "malformedTimestamp")
        /// The timestamp is longer ago than the tolerance.
        public static let tooOld = Code(description: "tooOld")
        /// The timestamp is further in the future than the tolerance.
        public static let tooNew = Code(description: "tooNew")
        /// There is no signature of a version that this verifier knows.
        public static let noKnownSignature = Code(description: "noKnownSignature")
        /// No signature fits any of the secrets.
        public static let wrongSignature = Code(description: "wrongSignature")
    }

    public let code: Code
    /// What is wrong. It names nothing the sender has sent.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code): \(message)" }
}
#endif

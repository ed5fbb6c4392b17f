/// A configuration an engine does not start with, or a call it cannot take.
public struct EngineError: Error, Hashable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// Two subscriptions have one name.
        public static let duplicateSubscription = Code(description: "duplicateSubscription")
        /// A value of the configuration cannot work or would lose events.
        public static let invalidConfiguration = Code(description: "invalidConfiguration")
        /// Two endpoints of one name differ.
        public static let conflictingEndpoint = Code(description: "conflictingEndpoint")
        /// No subscription of this engine has the name.
        public static let unknownSubscription = Code(description: "unknownSubscription")
        /// No subscription of this engine has an endpoint of the name.
        public static let unknownEndpoint = Code(description: "unknownEndpoint")
        /// The engine runs already, or has ended.
        public static let alreadyRan = Code(description: "alreadyRan")
    }

    public let code: Code
    /// What is wrong and what to do.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code): \(message)" }
}

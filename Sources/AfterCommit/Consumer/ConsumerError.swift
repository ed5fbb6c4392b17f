/// A consumer that cannot work as it was made.
public struct ConsumerError: Error, Hashable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// A value of the configuration cannot work.
        public static let invalidConfiguration = Code(description: "invalidConfiguration")
        /// No engine has the subscription of unreadable messages.
        public static let missingSubscription = Code(description: "missingSubscription")
        /// The consumer runs already, or has ended.
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

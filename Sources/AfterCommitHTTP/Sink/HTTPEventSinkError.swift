#if HTTP
/// A sink that cannot be made as it was asked for.
public struct HTTPEventSinkError: Error, Hashable, CustomStringConvertible {
    /// What is wrong. More codes may come; switch with a default.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// The URL is not one of `http` or `https` with a host.
        public static let invalidURL = Code(description: "invalidURL")
        /// The URL's host is an address that the configuration's rules do not allow.
        public static let addressRefused = Code(description: "addressRefused")
        /// A header cannot be sent, or is one the sink itself sends.
        public static let invalidHeader = Code(description: "invalidHeader")
        /// A number that cannot work.
        public static let invalidConfiguration = Code(description: "invalidConfiguration")
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
#endif

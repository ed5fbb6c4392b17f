public import Foundation

/// What an inbox remembers of one key: what was asked, how far it got, and what came of it.
public struct InboxRecord: Sendable, Hashable, Codable {
    public let key: String
    /// A fingerprint of the request's bytes, so that another request under the same key is noticed.
    public var fingerprint: UInt64
    public var startedAt: Date
    /// Steps that were recorded while the work was under way, oldest first.
    public var steps: [Step]
    /// The encoded result; `nil` while the work is not done.
    public var result: Data?
    public var completedAt: Date?

    /// One step of the work, committed on its own.
    public struct Step: Sendable, Hashable, Codable {
        public var name: String
        public var detail: String
        public var at: Date

        public init(name: String, detail: String = "", at: Date) {
            self.name = name
            self.detail = detail
            self.at = at
        }
    }

    /// How long a key is remembered where a storage does not say otherwise: 7 days.
    public static let standardWindow = Duration.seconds(7 * 86_400)
    /// The longest key, in bytes of UTF-8.
    public static let maxKeyBytes = 390

    public init(
        key: String, fingerprint: UInt64 = 0, startedAt: Date, steps: [Step] = [], result: Data? = nil,
        completedAt: Date? = nil
    ) {
        self.key = key
        self.fingerprint = fingerprint
        self.startedAt = startedAt
        self.steps = steps
        self.result = result
        self.completedAt = completedAt
    }

    public var isCompleted: Bool { result != nil }
}

/// A key of the inbox that cannot be used as it is. Nothing was done.
public struct InboxError: Error, Hashable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// The key stands for another request: its bytes are not the same.
        public static let requestConflict = Code(description: "requestConflict")
        /// A key that is empty or too long.
        public static let keyLength = Code(description: "keyLength")
        /// The stored result is not of the type that is asked for.
        public static let resultType = Code(description: "resultType")
        /// A step was recorded for work that is done.
        public static let alreadyCompleted = Code(description: "alreadyCompleted")
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

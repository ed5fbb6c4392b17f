/// The stable name of an event on the wire, such as `order.placed`.
///
/// It is stored with every event, so renaming the Swift type never changes it.
/// The CloudEvents attribute `type` carries it, with the prefix a transport adds.
public struct EventType: RawRepresentable, Hashable, Sendable, Codable {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}

extension EventType: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) {
        self.init(rawValue: value)
    }
}

extension EventType: CustomStringConvertible {
    public var description: String { rawValue }
}

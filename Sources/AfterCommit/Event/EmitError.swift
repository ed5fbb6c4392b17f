/// An event that cannot be emitted as it is. Nothing was written.
public struct EmitError: Error, Hashable, CustomStringConvertible {
    private enum Code: Hashable {
        case payloadTooLarge(bytes: Int, limit: Int)
        case encodingFailed(type: String, reason: String)
        case invalidHeader(name: String)
        case orderingKeyTooLong(bytes: Int, limit: Int)
        case emptyEventType
    }

    private let code: Code

    public static func payloadTooLarge(bytes: Int, limit: Int) -> Self {
        Self(code: .payloadTooLarge(bytes: bytes, limit: limit))
    }
    public static func encodingFailed(type: EventType, reason: String) -> Self {
        Self(code: .encodingFailed(type: type.rawValue, reason: reason))
    }
    public static func invalidHeader(name: String) -> Self {
        Self(code: .invalidHeader(name: name))
    }
    public static func orderingKeyTooLong(bytes: Int, limit: Int) -> Self {
        Self(code: .orderingKeyTooLong(bytes: bytes, limit: limit))
    }
    public static let emptyEventType = Self(code: .emptyEventType)

    public var description: String {
        switch code {
        case .payloadTooLarge(let bytes, let limit):
            "the payload has \(bytes) bytes, the limit is \(limit): store the data elsewhere and emit a reference to it, or raise `maxPayloadBytes`"
        case .encodingFailed(let type, let reason):
            "the event of type \(type) cannot be encoded: \(reason)"
        case .invalidHeader(let name):
            "the header name \(name.debugDescription) is not allowed: use 1 to 20 characters of a-z and 0-9, and no name of an attribute such as `id` or `type`"
        case .orderingKeyTooLong(let bytes, let limit):
            "the ordering key has \(bytes) bytes, the limit is \(limit): use an identifier or a hash of it"
        case .emptyEventType:
            "the event's type is empty: give the event a stable name such as \"order.placed\""
        }
    }
}

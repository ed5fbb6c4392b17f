/// An event that cannot be emitted as it is. Nothing was written.
public struct EmitError: Error, Hashable, CustomStringConvertible {
    private enum Code: Hashable {
        case payloadTooLarge(bytes: Int, limit: Int)
        case encodingFailed(type: String, reason: String)
        case invalidHeader(name: String)
        case orderingKeyTooLong(bytes: Int, limit: Int)
        case emptyEventType
        case deduplicationKeyLength(bytes: Int, limit: Int)
        case deduplicationConflict(key: String, firstID: EventID)
        case oneKeyForSeveralEvents
        case attemptEnded
        case scopeEnded
        case emitWithTransaction
        case refused(type: String, reason: String)
        case moreThanReserved(count: Int)
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
    public static func deduplicationKeyLength(bytes: Int, limit: Int) -> Self {
        Self(code: .deduplicationKeyLength(bytes: bytes, limit: limit))
    }
    /// The key stands for an event with another payload.
    public static func deduplicationConflict(key: String, firstID: EventID) -> Self {
        Self(code: .deduplicationConflict(key: key, firstID: firstID))
    }
    public static let oneKeyForSeveralEvents = Self(code: .oneKeyForSeveralEvents)
    /// A handler's context was used after its attempt had ended.
    public static let attemptEnded = Self(code: .attemptEnded)
    /// A transactional handler's context was asked to emit.
    public static let emitWithTransaction = Self(code: .emitWithTransaction)
    /// The emitter of ``EventEngine/afterCommit(reserving:_:)`` was used after its scope had returned.
    public static let scopeEnded = Self(code: .scopeEnded)
    /// An interceptor refused it.
    public static func refused(type: EventType, reason: String) -> Self {
        Self(code: .refused(type: type.rawValue, reason: reason))
    }
    public static func moreThanReserved(count: Int) -> Self {
        Self(code: .moreThanReserved(count: count))
    }

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
        case .deduplicationKeyLength(let bytes, let limit):
            "the deduplication key has \(bytes) bytes; 1 to \(limit) are possible"
        case .deduplicationConflict(let key, let firstID):
            "the key \(key.debugDescription) stands for event \(firstID), whose payload is another: use a new key for a new event"
        case .oneKeyForSeveralEvents:
            "a deduplication key or an id stands for one event: emit the events one by one, each with its own"
        case .attemptEnded:
            "the attempt has ended: emit before the handler returns"
        case .emitWithTransaction:
            "a transactional handler settles in its transaction: emit with that, not with the context"
        case .scopeEnded:
            "the scope has returned: emit inside of it"
        case .refused(let type, let reason):
            "an interceptor refused the event of type \(type): \(reason)"
        case .moreThanReserved(let count):
            "the scope emits more than the \(count) events it reserved room for: pass a larger number to `afterCommit(reserving:)`"
        }
    }
}

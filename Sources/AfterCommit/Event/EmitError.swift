/// An event that cannot be emitted as it is. Nothing was written.
public struct EmitError: Error, Hashable, CustomStringConvertible {
    /// Why it cannot. More codes may come; switch with a default.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// The encoded payload is larger than the limit.
        public static let payloadTooLarge = Code(description: "payloadTooLarge")
        /// The event cannot be encoded.
        public static let encodingFailed = Code(description: "encodingFailed")
        /// A header's name is not allowed.
        public static let invalidHeader = Code(description: "invalidHeader")
        /// A part of the event is nothing that the storage can keep: ``EmitError/field`` names it.
        public static let unsuitableField = Code(description: "unsuitableField")
        /// The ordering key is longer than the limit.
        public static let orderingKeyTooLong = Code(description: "orderingKeyTooLong")
        /// The event type has no name.
        public static let emptyEventType = Code(description: "emptyEventType")
        /// The deduplication key is empty or too long.
        public static let deduplicationKeyLength = Code(description: "deduplicationKeyLength")
        /// The deduplication key stands for an event with another payload.
        public static let deduplicationConflict = Code(description: "deduplicationConflict")
        /// One deduplication key or id was given for several events.
        public static let oneKeyForSeveralEvents = Code(description: "oneKeyForSeveralEvents")
        /// A handler's context was used after its attempt had ended.
        public static let attemptEnded = Code(description: "attemptEnded")
        /// The emitter of a scope was used after the scope had returned.
        public static let scopeEnded = Code(description: "scopeEnded")
        /// A transactional handler's context was asked to emit.
        public static let emitWithTransaction = Code(description: "emitWithTransaction")
        /// An interceptor refused it.
        public static let refused = Code(description: "refused")
        /// A scope emits more events than it reserved room for.
        public static let moreThanReserved = Code(description: "moreThanReserved")
    }

    private enum Detail: Hashable {
        case payloadTooLarge(bytes: Int, limit: Int)
        case encodingFailed(type: String, reason: String)
        case invalidHeader(name: String)
        case unsuitableField(field: String, reason: String)
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

    private let detail: Detail

    public var code: Code {
        switch detail {
        case .payloadTooLarge: .payloadTooLarge
        case .encodingFailed: .encodingFailed
        case .invalidHeader: .invalidHeader
        case .unsuitableField: .unsuitableField
        case .orderingKeyTooLong: .orderingKeyTooLong
        case .emptyEventType: .emptyEventType
        case .deduplicationKeyLength: .deduplicationKeyLength
        case .deduplicationConflict: .deduplicationConflict
        case .oneKeyForSeveralEvents: .oneKeyForSeveralEvents
        case .attemptEnded: .attemptEnded
        case .scopeEnded: .scopeEnded
        case .emitWithTransaction: .emitWithTransaction
        case .refused: .refused
        case .moreThanReserved: .moreThanReserved
        }
    }

    /// What cannot be kept, for ``Code/unsuitableField``: `type`, `source`, `orderingKey`, `headers.` and the name, `contentType`,
    /// `deduplicationKey`, `time` or `schemaVersion`.
    public var field: String? {
        guard case .unsuitableField(let field, _) = detail else { return nil }
        return field
    }

    public static func payloadTooLarge(bytes: Int, limit: Int) -> Self {
        Self(detail: .payloadTooLarge(bytes: bytes, limit: limit))
    }
    public static func encodingFailed(type: EventType, reason: String) -> Self {
        Self(detail: .encodingFailed(type: type.rawValue, reason: reason))
    }
    public static func invalidHeader(name: String) -> Self {
        Self(detail: .invalidHeader(name: name))
    }
    /// - Parameters:
    ///   - field: see ``field``.
    ///   - reason: what follows its name, such as "has a NUL character".
    public static func unsuitableField(_ field: String, reason: String) -> Self {
        Self(detail: .unsuitableField(field: field, reason: reason))
    }
    public static func orderingKeyTooLong(bytes: Int, limit: Int) -> Self {
        Self(detail: .orderingKeyTooLong(bytes: bytes, limit: limit))
    }
    public static let emptyEventType = Self(detail: .emptyEventType)
    public static func deduplicationKeyLength(bytes: Int, limit: Int) -> Self {
        Self(detail: .deduplicationKeyLength(bytes: bytes, limit: limit))
    }
    /// The key stands for an event with another payload.
    /// - Parameters:
    ///   - key: the caller's key; for events with ids of their own the id, as `id/...`.
    ///   - firstID: the event that it stands for.
    public static func deduplicationConflict(key: String, firstID: EventID) -> Self {
        Self(detail: .deduplicationConflict(key: key, firstID: firstID))
    }
    public static let oneKeyForSeveralEvents = Self(detail: .oneKeyForSeveralEvents)
    /// A handler's context was used after its attempt had ended.
    public static let attemptEnded = Self(detail: .attemptEnded)
    /// A transactional handler's context was asked to emit.
    public static let emitWithTransaction = Self(detail: .emitWithTransaction)
    /// The emitter of ``EventEngine/afterCommit(reserving:_:)`` was used after its scope had returned.
    public static let scopeEnded = Self(detail: .scopeEnded)
    /// An interceptor refused it.
    public static func refused(type: EventType, reason: String) -> Self {
        Self(detail: .refused(type: type.rawValue, reason: reason))
    }
    public static func moreThanReserved(count: Int) -> Self {
        Self(detail: .moreThanReserved(count: count))
    }

    public var description: String {
        switch detail {
        case .payloadTooLarge(let bytes, let limit):
            "the payload has \(bytes) bytes, the limit is \(limit): store the data elsewhere and emit a reference to it, or raise `maxPayloadBytes`"
        case .encodingFailed(let type, let reason):
            "the event of type \(type) cannot be encoded: \(reason)"
        case .invalidHeader(let name):
            "the header name \(name.debugDescription) is not allowed: use 1 to 20 characters of a-z and 0-9, and no name of an attribute such as `id` or `type`"
        case .unsuitableField(let field, let reason):
            "the event's \(field) \(reason): the storage cannot keep it"
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

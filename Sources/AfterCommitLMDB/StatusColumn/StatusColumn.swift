#if LMDB
import AfterCommit
import Foundation

/// A table whose rows have events, with its types erased.
final class StatusColumn: Sendable {
    /// The content type of a log record whose payload is the key of a row instead of an event.
    static let referenceType = "application/vnd.aftercommit.row"
    /// The content type of a row's bytes in the place of an event.
    static let rowType = "application/octet-stream"

    let table: String
    let type: EventType
    let schemaVersion: Int
    let event: ObjectIdentifier
    /// Refuses a table that is used with other types, or cannot be one.
    let checkTable: @Sendable (TableHandles) throws -> Void
    private let keyOf: @Sendable (any Event) throws -> Data?
    private let rebuild: @Sendable (_ key: Data, _ content: Data) throws -> any Event
    private let decode: @Sendable (Data, any EventCoder) throws -> any Event

    init<Key: TableKey, Value: Sendable, E: Event>(
        _ table: Table<Key, Value>, key: @escaping @Sendable (E) -> Key,
        rebuild: @escaping @Sendable (Key, Value) throws -> E
    ) {
        self.table = table.name
        type = E.type
        schemaVersion = E.schemaVersion
        event = ObjectIdentifier(E.self)
        checkTable = { try $0.check(table) }
        keyOf = { event in try (event as? E).map { try table.checkedBytes(of: key($0)) } }
        self.rebuild = { bytes, content in
            guard let rowKey = Key(tableKeyBytes: bytes) else { throw RebuildFailure.foreignKey(table.name) }
            let event = try rebuild(rowKey, try table.decode(content))
            guard key(event) == rowKey else { throw RebuildFailure.otherRow(table.name) }
            return event
        }
        decode = { try $1.decode(E.self, from: $0) }
    }

    /// The key of the row that an event tells of.
    /// - Throws: `needsOutbox` for an event of another type.
    func key(of event: any Event) throws -> Data {
        guard let key = try keyOf(event) else { throw otherType(Swift.type(of: event).type) }
        return key
    }

    /// The event that a row tells of.
    func event(ofKey key: Data, _ content: Data) throws -> any Event { try rebuild(key, content) }

    /// The event of an emission that was made before its storage was asked.
    /// - Throws: `needsOutbox` for what the column cannot store.
    func event(of emission: Emission, _ coder: any EventCoder) throws -> any Event {
        guard emission.envelope.type == type else { throw otherType(emission.envelope.type) }
        guard emission.deliverAt == nil else { throw StorageError.delayedNeedsOutbox }
        guard emission.deduplication == nil else { throw StorageError.namedNeedsOutbox }
        switch emission.envelope.payload {
        case .value(let event): return event
        case .bytes(let bytes): return try decode(bytes, coder)
        }
    }

    /// Refuses options that the column has no room for.
    func check(_ options: EmitOptions) throws(StorageError) {
        guard options.deliverAt == nil else { throw StorageError.delayedNeedsOutbox }
        guard !options.namesOneEvent else { throw StorageError.namedNeedsOutbox }
    }

    /// Refuses subscriptions that the column cannot serve.
    func check(_ subscriptions: [SubscriptionRegistration]) throws(StorageError) {
        guard subscriptions.count <= 1 else { throw StorageError.needsOutbox("a second subscription") }
        if let subscription = subscriptions.first, subscription.types.patterns != [EventTypePattern(type)] {
            throw StorageError.needsOutbox("a subscription to anything but \(type), as \(subscription.name) is")
        }
    }

    private func otherType(_ type: EventType) -> StorageError {
        .needsOutbox("an event of type \(type): the events of \(table) are of type \(self.type)")
    }
}

/// Why no event could be made of a row.
private enum RebuildFailure: Error, CustomStringConvertible {
    case foreignKey(String)
    case otherRow(String)

    var description: String {
        switch self {
        case .foreignKey(let table): "the row's key is none of table \(table)"
        case .otherRow(let table): "the function that rebuilds events of \(table) made one of another row"
        }
    }
}

extension StorageError {
    static let delayedNeedsOutbox = needsOutbox("a delayed event")
    static let namedNeedsOutbox = needsOutbox("an event with a deduplication key or an id of the caller's")
}
#endif

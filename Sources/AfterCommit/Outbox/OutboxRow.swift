public import Foundation

/// An event as one row of `outbox_events`: what a plain INSERT by any client stores in its own transaction, so that the
/// event is emitted if and only if that transaction commits.
///
/// ```swift
/// let row = try OrderPlaced(orderID: order.id, total: order.total).outboxRow()
/// try await connection.query(
///     """
///     INSERT INTO outbox_events (id, aggregatetype, aggregateid, type, payload)
///     VALUES (\(row.id), \(row.aggregateType), \(row.aggregateID), \(row.type), \(row.payload)::jsonb)
///     """, logger: logger)
/// ```
///
/// The columns are those of Debezium's outbox event router, and what the engine needs beside them; see ``columns``. A column
/// that a statement leaves out has a default, so the five above suffice for an event without key and headers.
public struct OutboxRow: Sendable, Hashable {
    /// `id`: the event's id.
    public var id: UUID
    /// `aggregatetype`: what the event's type begins with, such as `order` of `order.placed`.
    public var aggregateType: String
    /// `aggregateid`: the ordering key, or the event's id where it has none.
    public var aggregateID: String
    /// `type`: the event's type.
    public var type: String
    /// `payload`, as JSON text; `nil` where the payload is not JSON that a database's own JSON type keeps.
    public var payload: String?
    /// `payloadbytes`: the payload where ``payload`` cannot have it.
    public var payloadBytes: Data?
    /// `source`: CloudEvents `source`.
    public var source: String
    /// `time`: when the event was emitted.
    public var time: Date
    /// `schemaversion`: the version of the payload's shape.
    public var schemaVersion: Int
    /// `orderingkey`: at most 400 bytes.
    public var orderingKey: String?
    /// `headers`, as a JSON object of strings.
    public var headers: String
    /// `contenttype`: the payload's media type.
    public var contentType: String

    /// The names of all columns, in the order of this type's properties.
    public static let columns = [
        "id", "aggregatetype", "aggregateid", "type", "payload", "payloadbytes", "source", "time", "schemaversion",
        "orderingkey", "headers", "contenttype",
    ]
}

extension OutboxRow {
    /// The row of an envelope.
    /// - Parameters:
    ///   - envelope: the event.
    ///   - coder: encodes a payload that is a Swift value still.
    /// - Throws: what `coder` throws.
    public init(_ envelope: Envelope, coder: any EventCoder = JSONEventCoder()) throws {
        let bytes = try envelope.bytes(using: coder)
        let text = Self.storedJSON(bytes, contentType: envelope.contentType)
        id = envelope.id.uuid
        type = envelope.type.rawValue
        aggregateType = String(type.prefix { $0 != "." })
        aggregateID = envelope.orderingKey ?? envelope.id.description
        payload = text
        payloadBytes = text == nil ? bytes : nil
        source = envelope.source
        time = envelope.time
        schemaVersion = envelope.schemaVersion
        orderingKey = envelope.orderingKey
        headers = try OutboxText.headers(envelope.headers) ?? "{}"
        contentType = envelope.contentType
    }
}

extension Event {
    /// This event as one row of `outbox_events`, for a client of your own: see ``OutboxRow``.
    /// - Parameters:
    ///   - options: headers and an id. A plain row is neither delayed nor deduplicated: those need the storage.
    ///   - envelopes: makes the id and the date, encodes and checks the payload. Share the storage's, so that ids stay in order.
    /// - Throws: ``EmitError`` as an emitter does; with `refused` for options that a row cannot have.
    public func outboxRow(
        options: EmitOptions = EmitOptions(), envelopes: EnvelopeFactory = EnvelopeFactory()
    ) throws -> OutboxRow {
        guard options.deliverAt == nil, options.deduplicationKey == nil else {
            throw EmitError.refused(
                type: Self.type, reason: "a plain row is neither delayed nor deduplicated; emit with the storage")
        }
        let emission = try envelopes.emission(self, options: options, form: .bytes)
        return try OutboxRow(emission.envelope, coder: envelopes.coder)
    }
}

public import Foundation

/// An event as it is stored and transported: the CloudEvents 1.0 attributes, headers and the payload.
public struct Envelope: Sendable {
    /// CloudEvents `id`.
    public var id: EventID
    /// CloudEvents `type`, without the prefix a transport adds.
    public var type: EventType
    /// CloudEvents `source`, a URI reference.
    public var source: String
    /// CloudEvents `time`: when the event was emitted.
    public var time: Date
    /// The version of the payload's shape.
    public var schemaVersion: Int
    /// CloudEvents `subject` and `partitionkey`.
    public var orderingKey: String?
    /// Extension attributes and the trace carrier (`traceparent`, `tracestate`, `correlationid` ...).
    public var headers: [String: String]
    /// CloudEvents `datacontenttype`.
    public var contentType: String
    public var payload: Payload

    /// What the event carries.
    public enum Payload: Sendable {
        /// The Swift value itself: in memory nothing is encoded.
        case value(any Event)
        /// Bytes of the envelope's content type.
        case bytes(Data)
    }

    public init(
        id: EventID, type: EventType, source: String, time: Date, schemaVersion: Int = 1,
        orderingKey: String? = nil, headers: [String: String] = [:],
        contentType: String = "application/json", payload: Payload
    ) {
        self.id = id
        self.type = type
        self.source = source
        self.time = time
        self.schemaVersion = schemaVersion
        self.orderingKey = orderingKey
        self.headers = headers
        self.contentType = contentType
        self.payload = payload
    }
}

/// Shares one envelope between the log, the lanes and the handler's context, without copying its fields each time.
package final class EnvelopeBox: Sendable {
    package let envelope: Envelope
    /// Why the event could not be made of what is stored, where that is known.
    package let refusal: String?

    package init(_ envelope: Envelope, refusal: String? = nil) {
        self.envelope = envelope
        self.refusal = refusal
    }
}

extension Envelope {
    /// The payload's bytes, encoded by `coder` where the payload is still a Swift value.
    public func bytes(using coder: any EventCoder) throws -> Data {
        switch payload {
        case .bytes(let bytes): bytes
        case .value(let event): try coder.encode(event)
        }
    }
}

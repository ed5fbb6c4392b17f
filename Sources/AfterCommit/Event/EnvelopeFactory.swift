import Foundation
import Instrumentation
import Tracing

/// Puts events into envelopes: id, time, trace context, limits.
public struct EnvelopeFactory: Sendable {
    /// CloudEvents `source` of what is emitted, a URI reference. Default `/`.
    public var source: String
    /// The largest encoded payload, in bytes. Default 1 MiB (1,048,576).
    public var maxPayloadBytes: Int
    /// Encodes payloads where the storage keeps bytes. Default JSON.
    public var coder: any EventCoder
    /// Makes the ids.
    public var ids: EventIDGenerator
    /// Dates the events.
    public var wallClock: any WallClock

    /// The longest ordering key, in bytes of UTF-8.
    public static let maxOrderingKeyBytes = 400

    public init(
        source: String = "/",
        maxPayloadBytes: Int = 1_048_576,
        coder: any EventCoder = JSONEventCoder(),
        ids: EventIDGenerator? = nil,
        wallClock: any WallClock = SystemWallClock()
    ) {
        self.source = source
        self.maxPayloadBytes = maxPayloadBytes
        self.coder = coder
        self.ids = ids ?? EventIDGenerator(wallClock: wallClock)
        self.wallClock = wallClock
    }

    /// An envelope that keeps the Swift value: nothing is encoded.
    package func envelopeKeepingValue<E: Event>(
        _ event: E, headers: [String: String]
    ) throws -> Envelope {
        try envelope(event, headers: headers, payload: .value(event))
    }

    /// An envelope with the encoded payload.
    package func envelopeEncoding<E: Event>(
        _ event: E, headers: [String: String]
    ) throws -> Envelope {
        let bytes: Data
        do {
            bytes = try coder.encode(event)
        } catch {
            throw EmitError.encodingFailed(type: E.type, reason: String(describing: error))
        }
        guard bytes.count <= maxPayloadBytes else {
            throw EmitError.payloadTooLarge(bytes: bytes.count, limit: maxPayloadBytes)
        }
        return try envelope(event, headers: headers, payload: .bytes(bytes))
    }

    private func envelope<E: Event>(
        _ event: E, headers: [String: String], payload: Envelope.Payload
    ) throws -> Envelope {
        let type = E.type
        guard !type.rawValue.isEmpty else { throw EmitError.emptyEventType }
        let orderingKey = event.orderingKey
        if let bytes = orderingKey?.utf8.count, bytes > Self.maxOrderingKeyBytes {
            throw EmitError.orderingKeyTooLong(bytes: bytes, limit: Self.maxOrderingKeyBytes)
        }
        for name in headers.keys where !Self.isValidHeaderName(name) {
            throw EmitError.invalidHeader(name: name)
        }
        let now = wallClock.now()
        return Envelope(
            id: ids.next(at: now), type: type, source: source, time: now,
            schemaVersion: E.schemaVersion, orderingKey: orderingKey,
            headers: Self.addingTraceContext(to: headers), contentType: coder.contentType,
            payload: payload)
    }

    /// The attributes that the envelope itself carries.
    private static let reservedNames: Set<String> = [
        "data", "id", "source", "specversion", "type", "subject", "time", "datacontenttype",
        "dataschema", "partitionkey", "sequence",
    ]

    /// CloudEvents 1.0, "Naming conventions": lower-case letters and digits, at most 20, no other attribute's name.
    static func isValidHeaderName(_ name: String) -> Bool {
        (1...20).contains(name.utf8.count) && !reservedNames.contains(name)
            && name.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0)
            }
    }

    private static func addingTraceContext(to headers: [String: String]) -> [String: String] {
        guard let context = ServiceContext.current else { return headers }
        var headers = headers
        InstrumentationSystem.instrument.inject(
            context, into: &headers, using: TraceCarrierInjector())
        return headers
    }
}

private struct TraceCarrierInjector: Injector {
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) {
        carrier[key.lowercased()] = value
    }
}

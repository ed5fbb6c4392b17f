public import Foundation

/// Reads the payload of an earlier schema version as the event of today.
///
/// ```swift
/// struct OrderPlaced: Event {
///     static let type: EventType = "order.placed"
///     static let schemaVersion = 2
///     static let upcasters: [Upcaster<OrderPlaced>] = [
///         .from(version: 1, OrderPlacedV1.self) { OrderPlaced(orderID: $0.id, total: $0.total, currency: "EUR") }
///     ]
///     ...
/// }
/// ```
///
/// A version without an upcaster is decoded as the event itself: enough where properties were only added that may be missing.
public struct Upcaster<E: Event>: Sendable {
    /// The schema version that it reads.
    public let version: Int
    package let upcast: @Sendable (Data, any EventCoder) throws -> E

    /// Decodes the payload as `Earlier`, whose shape it had in that version, and makes the event of it.
    public static func from<Earlier: Decodable & Sendable>(
        version: Int, _ earlier: Earlier.Type, _ convert: @escaping @Sendable (Earlier) throws -> E
    ) -> Self {
        Self(version: version) { bytes, coder in
            try convert(try coder.decodeValue(Earlier.self, from: bytes))
        }
    }

    /// Makes the event of the payload's bytes.
    public static func from(
        version: Int, _ convert: @escaping @Sendable (Data, any EventCoder) throws -> E
    ) -> Self {
        Self(version: version, upcast: convert)
    }
}

/// A payload of a schema version, or of an event type, that this binary does not know.
package struct UnknownEvent: Error, CustomStringConvertible {
    package let description: String
}

extension Envelope {
    /// The event in the envelope, brought up to this binary's schema version.
    /// - Throws: ``UnknownEvent`` for a newer version, ``MalformedPayload`` for bytes that are not the event's.
    package func event<E: Event>(_ type: E.Type, coder: any EventCoder) throws -> E {
        switch payload {
        case .value(let event):
            if let event = Self.exactly(event, E.self) { return event }
            throw MalformedPayload(reason: "a \(Swift.type(of: event)) was emitted as \(self.type)")
        case .bytes(let bytes):
            guard schemaVersion <= E.schemaVersion else {
                throw UnknownEvent(
                    description: "schema version \(schemaVersion) of \(self.type); this binary knows \(E.schemaVersion)"
                )
            }
            do {
                if schemaVersion < E.schemaVersion,
                    let upcaster = E.upcasters.first(where: { $0.version == schemaVersion })
                {
                    return try upcaster.upcast(bytes, coder)
                }
                return try coder.decode(E.self, from: bytes)
            } catch {
                throw MalformedPayload(reason: String(describing: error))
            }
        }
    }

    /// A cast to the very type, without the search for conformances and bridges that `as?` makes for each delivery.
    private static func exactly<Stored: Event, E: Event>(_ event: Stored, _ type: E.Type) -> E? {
        guard Stored.self == E.self else { return nil }
        // The two are one type, so that the memory is an E.
        return withUnsafePointer(to: event) { UnsafeRawPointer($0).assumingMemoryBound(to: E.self).pointee }
    }
}

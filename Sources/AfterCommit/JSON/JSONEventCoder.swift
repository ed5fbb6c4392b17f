public import Foundation

/// JSON with ISO 8601 dates in milliseconds, the default. A date that needs more belongs in a number.
///
/// The names of an object come in the order in which the event's `encode(to:)` gives them, those of a dictionary in no
/// order at all: compare events, never their bytes. Everything else is as Foundation's `JSONEncoder` and `JSONDecoder` have
/// it: they do whatever cannot be done in one pass, and tell all errors.
public struct JSONEventCoder: EventCoder {
    public let contentType = "application/json"
    private static let milliseconds = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    private let writers = JSONWriterPool()
    private let encoder: JSONEncoder
    private let decoder: JSONDecoder

    public init() {
        encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(Self.text(of: date))
        }
        encoder.outputFormatting = [.withoutEscapingSlashes]
        decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            if let date = Self.date(of: text) { return date }
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no ISO 8601 date")
        }
    }

    public func encode<E: Event>(_ event: E) throws -> Data {
        if let bytes = writers.withWriter({ $0.text(of: event) }) { return bytes }
        // Something that cannot be written in one pass, or an error, which Foundation tells best.
        return try encoder.encode(event)
    }

    public func encode<E: Event>(_ event: E, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let isDone = try writers.withWriter { writer in
            guard writer.write(all: event) else { return false }
            try body(writer.bytes)
            return true
        }
        if !isDone { try encoder.encode(event).withUnsafeBytes(body) }
    }

    public func decode<E: Event>(_ type: E.Type, from bytes: Data) throws -> E {
        if let event = JSONTape(bytes)?.decode(type) { return event }
        // Something that is not plain, or an error, which Foundation tells best.
        return try decoder.decode(type, from: bytes)
    }

    public func decodeValue<Value: Decodable>(_ type: Value.Type, from bytes: Data) throws -> Value {
        try decoder.decode(type, from: bytes)
    }

    public func encodeValue<Value: Encodable>(_ value: Value) throws -> Data {
        try encoder.encode(value)
    }

    /// Bytes that are the same for equal values, names sorted: for telling whether two events say the same. A `Set` in an
    /// event has no order, and so no such bytes.
    static func canonicalBytes(of event: some Event) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(event)
    }

    static func text(of date: Date) -> String {
        date.formatted(milliseconds)
    }

    static func date(of text: String) -> Date? {
        (try? milliseconds.parse(text)) ?? (try? Date.ISO8601FormatStyle().parse(text))
    }
}
